import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { Agent, get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { podTokens } from '../load/pods.ts';
import { Crowd } from '../processes/crowd.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { Installed } from './installed.ts';
import { makePod, podToken } from './pods.ts';

const PODS = 100;
const BAD_PER_SECOND = 50;
const WITHIN_MS = 10_000;

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
let crowd: Crowd | undefined;

beforeAll(async () => {
  cluster = await startCluster();
  installed = await Installed.install(cluster);
  await cluster.namespace('shop');
  await eventually(() => cluster.apply(policy('shop', 'payments', { breakers: ['payments'] })));
  operator = await installed.startOperator();
}, 600_000);

afterAll(async () => {
  await crowd?.end();
  await operator?.end();
  await cluster?.stop();
});

/** Opens streams at a steady rate with tokens that are no good, each another one, until the signal; all from here. */
function flood(signal: AbortSignal, bad: () => string): { readonly statuses: Map<number, number> } {
  const agent = new Agent({ keepAlive: true, ca: readFileSync(installed.file('ca.crt')) });
  const statuses = new Map<number, number>();
  const query = new URLSearchParams({ service: 's', instance: 'i', boot: 'f'.repeat(32) });
  const url = `https://localhost:${operator.agentsPort}/v1/stream?${query}`;
  const timer = setInterval(() => {
    const sent = get(url, { agent, headers: { authorization: `Bearer ${bad()}` } }, (response) => {
      statuses.set(response.statusCode!, (statuses.get(response.statusCode!) ?? 0) + 1);
      response.resume();
    });
    sent.on('error', () => {});
  }, 1_000 / BAD_PER_SECOND);
  signal.addEventListener('abort', () => {
    clearInterval(timer);
    agent.destroy();
  });
  return { statuses };
}

it(`connects ${PODS} new pods within ${WITHIN_MS / 1_000} s while ${BAD_PER_SECOND} bad tokens a second come from the address of all`, async () => {
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const tokens = await podTokens(config, 'shop', PODS);
  const seats = await Promise.all(
    tokens.map(async (token, i) => {
      const folder = join(cluster.folder, `pod-${i}`);
      await mkdir(folder);
      await writeFile(join(folder, 'token'), token);
      await copyFile(installed.file('ca.crt'), join(folder, 'ca.crt'));
      await writeFile(join(folder, 'url'), `https://localhost:${operator.agentsPort}`);
      return { folder, count: 1 };
    }),
  );
  await makePod(cluster, 'shop', 'other');
  const [head, body] = (await podToken(cluster, 'shop', 'other')).split('.') as [string, string];
  const foreign = await podToken(cluster, 'shop', 'other', 'another-audience');
  const junk = (bytes: number) => randomBytes(bytes).toString('base64url');
  let count = 0;
  const bad = () => {
    count += 1;
    return [`${head}.${body}.${junk(256)}`, junk(40), `${head}.${junk(300)}.${junk(256)}`, foreign][count % 4]!;
  };

  const stop = new AbortController();
  try {
    const { statuses } = flood(stop.signal, bad);
    // The limit of bad tokens of an address is used up.
    await eventually(() => (statuses.get(401) ?? 0) + (statuses.get(429) ?? 0) > 200, 60_000);
    crowd = new Crowd(seats);
    const started = await crowd.standing();
    expect(started.agents).toBe(PODS);
    const begun = performance.now();
    await eventually(async () => {
      const { live, warnings } = await crowd!.standing();
      if (live !== PODS) throw new Error(`${live} of ${PODS} pods are connected: ${warnings.slice(0, 5).join('; ')}`);
    }, WITHIN_MS);
    process.stderr.write(`${PODS} pods connected within ${((performance.now() - begun) / 1_000).toFixed(1)} s\n`);
    expect(statuses.get(200)).toBeUndefined();
  } finally {
    stop.abort();
  }
}, 240_000);
