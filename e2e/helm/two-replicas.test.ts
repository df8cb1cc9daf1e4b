import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { Relay } from '../cluster/relay.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed } from './installed.ts';
import { makePod, podToken, tokenFile } from './pods.ts';

let cluster: Cluster;
let installed: Installed;
let operators: OperatorProcess[] = [];
let agents: AgentProcess[] = [];
/** By operator: the way to it that the Service would choose. */
let ways: Relay[] = [];

const apply = (consecutiveFailures: number) =>
  cluster.apply(policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures } }));
const status = async () => {
  const { metadata, status } = JSON.parse(await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', 'json'));
  const programmed = status.conditions.find(({ type }: { type: string }) => type === 'Programmed');
  return `${programmed.observedGeneration === metadata.generation && programmed.status} ${status.agents.summary}`;
};

async function agent(pod: string, { port }: Relay): Promise<AgentProcess> {
  return AgentProcess.start({
    FUSEBOARD_URL: `https://localhost:${port}`,
    FUSEBOARD_TOKEN_FILE: await tokenFile(cluster, pod, await podToken(cluster, 'shop', pod)),
    FUSEBOARD_CA_FILE: installed.file('ca.crt'),
  });
}

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  await cluster.namespace('shop');
  for (const pod of ['checkout-0', 'checkout-1']) await makePod(cluster, 'shop', pod);
  operators = await Promise.all(['one', 'two'].map((name) => installed.startOperator(`--replica-name=${name}`)));
  ways = await Promise.all(operators.map(({ agentsPort }) => new Relay(agentsPort).start()));
}, 600_000);

afterAll(async () => {
  await Promise.all([...agents, ...operators].map((process) => process.end()));
  await Promise.all(ways.map((way) => way.stop()));
  await cluster?.stop();
});

it('counts the agents of both replicas, which report to the address of their own, and continues with the one that is left', async () => {
  agents = await Promise.all(ways.map((way, i) => agent(`checkout-${i}`, way)));
  await apply(3);
  await eventually(async () => (await status()) === 'True 2/2', 30_000);
  expect(ways.map(({ connections }) => connections)).toEqual([1, 1]);
  for (const operator of operators) {
    expect((await operator.admin<{ items: object[] }>('/v1/agents', cluster.token)).items).toHaveLength(1);
    expect(operator.log).not.toMatch(/\(403\)/);
  }

  const leads = ({ log }: OperatorProcess) => log.includes('"msg":"leading"');
  const leader = operators.findIndex(leads);
  const left = operators[1 - leader]!;
  ways[leader]!.targets = [left.agentsPort];
  expect(await operators[leader]!.end('SIGTERM')).toBe(0);
  await apply(4);
  await eventually(async () => (await status()) === 'True 2/2', 30_000);
  expect(leads(left)).toBe(true);
}, 120_000);
