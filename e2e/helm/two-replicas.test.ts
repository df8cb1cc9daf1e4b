import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed } from './installed.ts';
import { makePod, podToken, tokenFile } from './pods.ts';

let cluster: Cluster;
let installed: Installed;
let operators: OperatorProcess[] = [];
let agents: AgentProcess[] = [];

const apply = (consecutiveFailures: number) =>
  cluster.kubectl('apply', '-f', '-', {
    input: JSON.stringify({
      apiVersion: 'fuseboard.dev/v1alpha1',
      kind: 'CircuitBreakerPolicy',
      metadata: { name: 'payments', namespace: 'shop' },
      spec: { breakers: ['payments'], trip: { consecutiveFailures } },
    }),
  });
const status = async () => {
  const { metadata, status } = JSON.parse(await cluster.kubectl('get', 'cbp', 'payments', '-n', 'shop', '-o', 'json'));
  const programmed = status.conditions.find(({ type }: { type: string }) => type === 'Programmed');
  return `${programmed.observedGeneration === metadata.generation && programmed.status} ${status.agents.summary}`;
};

async function agent(pod: string, { agentsPort }: OperatorProcess): Promise<AgentProcess> {
  await makePod(cluster, 'shop', pod);
  return AgentProcess.start({
    FUSEBOARD_URL: `https://localhost:${agentsPort}`,
    FUSEBOARD_TOKEN_FILE: await tokenFile(cluster, pod, await podToken(cluster, 'shop', pod)),
    FUSEBOARD_CA_FILE: installed.file('ca.crt'),
  });
}

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  await cluster.namespace('shop');
  operators = await Promise.all(['one', 'two'].map((name) => installed.startOperator(`--replica-name=${name}`)));
}, 600_000);

afterAll(async () => {
  await Promise.all([...agents, ...operators].map((process) => process.end()));
  await cluster?.stop();
});

it('counts the agents of both replicas, and goes on with the one that is left', async () => {
  agents = await Promise.all(operators.map((operator, i) => agent(`checkout-${i}`, operator)));
  await apply(3);
  await eventually(async () => (await status()) === 'True 2/2', 30_000);
  for (const operator of operators) {
    expect((await operator.admin<{ items: object[] }>('/v1/agents')).items).toHaveLength(1);
    expect(operator.log).not.toMatch(/403/);
  }

  const leads = ({ log }: OperatorProcess) => log.includes('"msg":"leading"');
  const [leader] = operators.filter(leads);
  const [left] = operators.filter((operator) => !leads(operator));
  expect(await leader!.end('SIGTERM')).toBe(0);
  await apply(4);
  await eventually(async () => (await status()) === 'True 1/1', 30_000);
  expect(leads(left!)).toBe(true);
}, 120_000);
