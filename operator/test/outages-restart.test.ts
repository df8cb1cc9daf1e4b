import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { type OutageDetail, OutageListSchema } from '../src/http/admin/answers/outages.ts';
import { type OperatorUrls, serving } from './local-operator.ts';
import { PlainAgent } from './plain-agent.ts';
import { until } from './until.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const NODE = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning', MAIN];
const POLICY = `apiVersion: fuseboard.dev/v1alpha1
kind: CircuitBreakerPolicy
metadata: { name: payments }
spec: { breakers: [payments], trip: { consecutiveFailures: 3 } }
`;

let folder: string;
let child: ChildProcess | undefined;
let agents: PlainAgent[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  await mkdir(join(folder, 'p'));
  await writeFile(join(folder, 'p/payments.yaml'), POLICY);
  agents = [];
});

afterEach(async () => {
  for (const agent of agents) agent.close();
  child?.kill('SIGKILL');
  await rm(folder, { recursive: true, force: true });
});

/** Starts the operator on the folder; returns its URLs. */
async function start(): Promise<OperatorUrls> {
  const ports = ['--port=0', '--metrics-port=0', '--admin-port=0'];
  const args = [...NODE, 'serve', '--policies=p', '--state-dir=state', ...ports];
  const started = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env.PATH },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  child = started;
  return serving(started);
}

const opened = [{ from: 'closed', to: 'open', agoMs: 0, reason: 'consecutive-failures' }] as const;

it.each(['SIGKILL', 'SIGTERM'] as const)('keeps its outages when it ends by %s and starts again', async (signal) => {
  const first = await start();
  const agent = await new PlainAgent(first.agents, 'default', 'checkout', 'checkout-1').join();
  agents.push(agent);
  await agent.report({ payments: { failed: 3, rejected: 40, state: 'open', transitions: [...opened] } });
  const list = async (url: { admin: string }) =>
    OutageListSchema.strict().parse(await (await fetch(`${url.admin}/v1/outages`)).json()).items;
  const [before] = await list(first);
  expect(before).toMatchObject({ breaker: 'payments', phase: 'refused', refused: 40, reason: 'consecutive-failures' });
  const files = () => readdir(join(folder, 'state/outages')).catch(() => []);
  if (signal === 'SIGKILL') await until(async () => (await files()).some((name) => name.endsWith('.json')));
  const gone = new Promise((resolve) => child!.once('exit', resolve));
  child!.kill(signal);
  await gone;

  const second = await start();
  const [kept, ...others] = await list(second);
  expect(others).toEqual([]);
  const { id, began, instance, refused, reason, services } = before!;
  expect(kept).toMatchObject({ id, instance, refused, reason, services, phase: 'refused' });
  expect(Math.abs(kept!.began - began)).toBeLessThan(50);
  const detail = (await (await fetch(`${second.admin}/v1/outages/default/${id}`)).json()) as OutageDetail;
  const rejected = detail.series.columns.indexOf('rejected');
  const { values, columns } = detail.series;
  const sum = values.filter((_, i) => i % columns.length === rejected).reduce((all, count) => all + count);
  expect(sum).toBe(40);

  const again = await new PlainAgent(second.agents, 'default', 'checkout', 'checkout-1').join();
  agents.push(again);
  await again.report({ payments: { rejected: 2, state: 'open' } });
  expect(await list(second)).toMatchObject([{ id, phase: 'refused', refused: 42, hit: 1 }]);
});
