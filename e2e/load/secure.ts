import { fileURLToPath } from 'node:url';
import { Crowd, type GroupOptions } from './crowd.ts';
import type { StartedOperator } from './operator.ts';
import { quiet } from './phases.ts';

const PAIR = new URL('../../operator/test/tls/', import.meta.url);

/** What makes an operator serve agents over TLS, with a certificate that is for tests only. */
export const TLS_ARGS = ['crt', 'key'].map(
  (kind) => `--tls-${kind === 'crt' ? 'cert' : 'key'}-file=${fileURLToPath(new URL(`one.${kind}`, PAIR))}`,
);

const WARM_UP_AGENTS = 100;

/** What an agent costs that comes over TLS. */
export interface Secure {
  readonly agents: number;
  readonly openedMs: number;
  readonly bytesPerAgent: number;
  readonly cpuMsPerAgentOpened: number;
}

/** Opens a group of agents over TLS on an operator of its own. */
export async function openSecurely(
  { agents, place, ...group }: GroupOptions,
  operator: StartedOperator,
  processes: number,
): Promise<Secure> {
  const crowd = new Crowd(processes);
  const secure = { ...group, place: { ...place, secure: true } };
  try {
    await crowd.open({ ...secure, agents: Math.min(agents, WARM_UP_AGENTS) });
    await quiet(crowd);
    await crowd.close(group.group);
    const before = await operator.cost(true);
    const openedMs = await crowd.open({ ...secure, agents });
    const opened = await operator.cost();
    await quiet(crowd);
    const connected = await operator.cost(true);
    return {
      agents,
      openedMs,
      bytesPerAgent: (connected.rssBytes - before.rssBytes) / agents,
      cpuMsPerAgentOpened: (opened.cpuMs - before.cpuMs) / agents,
    };
  } finally {
    await crowd.end();
  }
}
