import type { ChildProcess } from 'node:child_process';
import type { Logger } from 'pino';
import { openAccess } from '../src/auth/open-access.ts';
import { unauthenticated } from '../src/auth/unauthenticated.ts';
import { noOpStatusSink } from '../src/ports/no-op-status-sink.ts';
import type { Adapters } from '../src/serve.ts';
import { localHistory, noPolicyEditor } from '../src/stores/history.ts';
import { type LocalOverrides, localOverrides } from '../src/stores/overrides.ts';
import { until } from './until.ts';

/**
 * The flags of an operator that a test starts in its own process: free ports of loopback, and agents that are believed.
 */
export const FLAGS = {
  kubeconfig: 'unused',
  agentAuth: 'none',
  host: '127.0.0.1',
  port: '0',
  metricsPort: '0',
  adminPort: '0',
  restoreAfter: '1ms',
  maxConnections: '100',
  maxStreamsPerSecond: '100',
  maxStreamsPerPod: '64',
  maxReportsPerPod: '100',
  maxBadTokens: '60',
  logLevel: 'info',
  logFormat: 'json',
};

/** Waits until an operator is ready. @param metricsUrl where its probes are */
export const ready = (metricsUrl: string) => until(async () => (await fetch(`${metricsUrl}/readyz`)).ok);

export interface OperatorUrls {
  readonly agents: string;
  readonly metrics: string;
  readonly admin: string;
}

/** Waits until an operator that was started as a process of its own is ready; returns its URLs, which its log names. */
export async function serving({ stdout }: ChildProcess): Promise<OperatorUrls> {
  let text = '';
  stdout!.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
  });
  const named = () => text.split('\n').find((line) => line.includes('"serving"'));
  // A process starts slowly beside others on a busy machine.
  await until(named, 60);
  const urls = JSON.parse(named()!);
  await ready(urls.metrics);
  return urls;
}

/** What it is put together from, all but the source: nothing is kept, written or refused. */
export async function localAdapters(
  log: Logger,
): Promise<Omit<Adapters, 'source'> & { readonly overrides: LocalOverrides }> {
  return {
    sink: noOpStatusSink,
    authenticator: unauthenticated,
    access: openAccess,
    overrides: await localOverrides({ wallClock: Date.now, log }),
    history: localHistory({ wallClock: Date.now, log }),
    policyEditor: noPolicyEditor,
  };
}
