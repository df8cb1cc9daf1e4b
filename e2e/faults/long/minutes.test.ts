import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { eventually } from '../../cluster/run.ts';
import type { AgentProcess } from '../../processes/agent.ts';
import { Scene } from '../scene.ts';

const MINUTE_MS = 60_000;
let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
}, 600_000);

afterEach(() => scene.clear());

afterAll(() => scene?.stop());

/** Makes calls again and again for so long; each must be decided as the policy says. */
async function decidesFor(agent: AgentProcess, breaker: string, failures: number, ms: number): Promise<void> {
  const begun = performance.now();
  const outcomes = [...Array<string>(failures).fill('failed'), 'rejected'];
  expect(await agent.call(breaker, ...Array<'fail'>(failures + 1).fill('fail'))).toEqual(outcomes);
  while (performance.now() - begun < ms) {
    expect(await agent.call(breaker, 'ok')).toEqual(['rejected']);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
}

it(
  'the API server is down for two minutes: calls are decided, newcomers get what there was, and all agree again',
  async () => {
    await scene.put('down', 2);
    const agent = await scene.agent();
    await scene.runs([agent], 'down', 2);
    await scene.cluster.stopApiServer();
    await decidesFor(agent, 'down', 2, 2 * MINUTE_MS);
    const late = await scene.agent();
    await scene.runs([late], 'down', 2);
    await scene.cluster.startApiServer();
    await scene.put('down', 5);
    await scene.runs([agent, late], 'down', 5, 90_000);
  },
  6 * MINUTE_MS,
);

it(
  'the watch is a black hole: it is noticed after 90 s, and what was missed comes',
  async () => {
    await scene.put('hole', 2);
    const agent = await scene.agent();
    await scene.runs([agent], 'hole', 2);
    scene.way.relay.silent = true;
    await scene.put('hole', 4);
    await decidesFor(agent, 'hole', 2, 80_000);
    scene.way.relay.swallow();
    await scene.runs([agent], 'hole', 4, 2 * MINUTE_MS);
  },
  6 * MINUTE_MS,
);

it(
  'no operator for three minutes, and the application is restarted from its file meanwhile',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-cache-'));
    await scene.put('alone', 3);
    const agent = await scene.agent({ FUSEBOARD_CACHE_DIR: folder });
    await scene.runs([agent], 'alone', 3);
    await eventually(async () => (await readdir(folder)).some((name) => name.endsWith('.json')));
    await scene.operator.end('SIGKILL');
    await decidesFor(agent, 'alone', 3, 1.5 * MINUTE_MS);
    await agent.end();
    const restarted = await scene.agent({ FUSEBOARD_CACHE_DIR: folder });
    expect(restarted.beganWith).toBe('LastGood');
    await decidesFor(restarted, 'alone', 3, 1.5 * MINUTE_MS);
    await scene.put('alone', 6);
    scene.operator.launch();
    await eventually(() => scene.operator.ready(), 90_000);
    await scene.runs([restarted], 'alone', 6, 90_000);
    expect((await restarted.link()).state).toBe('Live');
    await rm(folder, { recursive: true });
  },
  8 * MINUTE_MS,
);
