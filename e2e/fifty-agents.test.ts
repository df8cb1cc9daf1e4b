import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from './cluster/cluster.ts';
import { policy } from './cluster/policy.ts';
import { eventually } from './cluster/run.ts';
import { AgentProcess } from './processes/agent.ts';
import { OperatorProcess } from './processes/operator.ts';

const AGENTS = 50;
const EDITS = 10;

let cluster: Cluster;
let operator: OperatorProcess;
let agents: AgentProcess[] = [];

const apply = (failures: number) =>
  cluster.apply(policy('default', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: failures } }));

const quantile = (sorted: number[], share: number) =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]!;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.applyCrds();
  operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
}, 600_000);

afterAll(async () => {
  await Promise.all(agents.map((one) => one.end()));
  await operator?.end();
  await cluster?.stop();
});

describe('fifty processes', () => {
  it('all apply an edit, and the time that it took from kubectl apply is printed', async () => {
    const environment = { FUSEBOARD_URL: operator.url, FUSEBOARD_SERVICE: 'checkout' };
    // Ten at a time: starting a process is work for the machine, and it is not what is measured.
    for (let i = 0; i < AGENTS; i += 10) {
      agents = [...agents, ...(await Promise.all(Array.from({ length: 10 }, () => AgentProcess.start(environment))))];
    }
    await eventually(
      async () => (await Promise.all(agents.map((one) => one.link()))).every(({ state }) => state === 'Live'),
      60_000,
    );

    const fromStart: number[] = [];
    const fromReturn: number[] = [];
    for (let edit = 1; edit <= EDITS; edit += 1) {
      const seen = agents.map((one) => one.applied.length);
      const begun = Date.now();
      await apply(edit);
      const returned = Date.now();
      await eventually(() => agents.every((one, i) => one.applied.length > seen[i]!), 30_000);
      for (const one of agents) {
        const { at } = one.applied.at(-1)!;
        fromStart.push(at - begun);
        fromReturn.push(at - returned);
      }
    }
    await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/payments', '--timeout=20s');
    expect(await cluster.kubectl('get', 'cbp', 'payments')).toMatch(/50\/50/);
    expect(fromStart).toHaveLength(AGENTS * EDITS);

    for (const [what, times] of [
      ['the start of kubectl apply', fromStart],
      ['the end of kubectl apply', fromReturn],
    ] as const) {
      times.sort((a, b) => a - b);
      process.stderr.write(
        `applied by each of ${AGENTS} agents, ${EDITS} edits, ms from ${what}: p50 ${quantile(times, 0.5)}, p99 ${quantile(times, 0.99)}, max ${times.at(-1)}\n`,
      );
    }
  }, 180_000);
});
