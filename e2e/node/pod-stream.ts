import { fileURLToPath } from 'node:url';
import type { NodeCluster } from './cluster.ts';
import { SHOP, servicePod } from './shop.ts';

const MAIN = fileURLToPath(new URL('pod-stream-main.ts', import.meta.url));

/** What became of pods that asked to be injected. */
export interface Created {
  readonly created: number;
  /** When each pod that was created without injection was asked for, ISO 8601, and how long it took. */
  readonly uninjected: readonly string[];
  /** What the API server answered instead of creating. */
  readonly refused: readonly string[];
  /** What the API server says of webhooks that it could not call. */
  readonly failures: readonly string[];
}

/**
 * Creates pods at a steady rate, as dry runs, which go through admission like all others, while `meanwhile` runs and
 * for 3 s after.
 */
export async function createPods(
  cluster: NodeCluster,
  perSecond: number,
  meanwhile: () => Promise<void>,
): Promise<Created> {
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    ...(servicePod('checkout', { 'fuseboard.dev/inject': 'true' }) as { metadata: object }),
  };
  const metadata = { ...pod.metadata, generateName: 'stream-', namespace: SHOP };
  const job = JSON.stringify({ pod: { ...pod, metadata }, everyMs: 1_000 / perSecond });
  const failures = async () => (await cluster.log('api-server')).match(/.*[Ff]ailed calling webhook.*/g) ?? [];
  const before = (await failures()).length;
  const stop = new AbortController();
  const stream = cluster.runUntil(stop.signal, [process.execPath, MAIN], job);
  try {
    await meanwhile();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
  } finally {
    stop.abort();
  }
  return { ...(JSON.parse(await stream) as Omit<Created, 'failures'>), failures: (await failures()).slice(before) };
}
