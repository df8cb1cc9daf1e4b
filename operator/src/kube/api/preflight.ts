import { setTimeout as pause } from 'node:timers/promises';
import type { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, KubeError } from './client.ts';
import { collectionPath, explain, POLICIES } from './resource.ts';

export interface PreflightOptions {
  readonly kubeConfig: KubeConfig;
  /** Namespaces to check; empty: all namespaces. */
  readonly namespaces: readonly string[];
  /** Whether an unreachable API server is an error, as for a kubeconfig given by a user, or temporary. */
  readonly mustAnswer: boolean;
  /** How long failures are retried, because roles and CRDs of a new release take effect with a delay; absent: 10 s. */
  readonly patienceMs?: number;
  /** The time between two requests; absent: 500 ms. */
  readonly pauseMs?: number;
}

const REQUEST_MS = 5_000;

/**
 * Lists policies once at startup, so that a wrong kubeconfig, a missing CRD or a missing permission is reported at
 * once. A later failure leaves the policies in force and does not end the process.
 *
 * @returns why policies cannot be read and how to fix it; nothing when they can be read.
 */
export async function preflight(options: PreflightOptions): Promise<string | undefined> {
  const { kubeConfig, namespaces, mustAnswer, patienceMs = 10_000, pauseMs = 500 } = options;
  const client = new KubeClient(kubeConfig);
  const began = performance.now();
  for (;;) {
    const error = await firstError(client, namespaces);
    if (error === undefined) return undefined;
    const { status } = error;
    const refused = status === 401 || status === 403 || status === 404;
    if (!refused && !mustAnswer) return undefined;
    if (performance.now() - began >= patienceMs) {
      if (refused) return explain(error, 'list', POLICIES, client.server);
      return `the API server at ${client.server} does not answer as one: ${error.message}; check the kubeconfig, or choose another with --kubeconfig or --context`;
    }
    await pause(pauseMs);
  }
}

async function firstError(client: KubeClient, namespaces: readonly string[]): Promise<KubeError | undefined> {
  try {
    for (const namespace of namespaces.length === 0 ? [undefined] : namespaces) {
      await client.request(collectionPath(POLICIES, namespace), { query: { limit: '1' }, timeoutMs: REQUEST_MS });
    }
    return undefined;
  } catch (error) {
    return error instanceof KubeError ? error : new KubeError((error as Error).message);
  }
}
