import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually, run } from '../cluster/run.ts';
import type { AgentProcess } from '../processes/agent.ts';
import { GONE_EVENT } from './api-way.ts';
import { failuresOf, Scene } from './scene.ts';

const HOUR_MS = 3_600_000;
const CLOCK = new URL('./fast-clock.ts', import.meta.url);

let scene: Scene;

/** The operator lives an hour ahead; the agents of one test an hour behind. */
beforeAll(async () => {
  scene = await Scene.start({}, { preload: CLOCK, environment: { CLOCK_WALL_SHIFT_MS: String(HOUR_MS) } });
}, 600_000);

afterEach(() => scene.clear());

afterAll(() => scene?.stop());

const condition = async (breaker: string, type: string) =>
  (await scene.status(breaker)).conditions?.find((one) => one.type === type);
const decides = async (agent: AgentProcess, breaker: string, failures: number) =>
  expect(await agent.call(breaker, 'ok', ...Array<'fail'>(failures).fill('fail'), 'ok')).toEqual([
    'passed',
    ...Array(failures).fill('failed'),
    'rejected',
  ]);
const outage = async () => (await scene.operator.admin<{ outage?: string }>('/v1/source')).outage;

describe('an API server that', () => {
  it.each([
    [429, { 'retry-after': '2' }],
    [500, {}],
  ])(
    'answers nothing but %i leaves agents, old and new, with what there was, and is asked again',
    async (status, headers) => {
      const name = `storm-${status}`;
      await scene.put(name, 2);
      const agent = await scene.agent();
      await scene.runs([agent], name, 2);
      scene.way.refusal = { status, headers, body: JSON.stringify({ kind: 'Status', code: status }) };
      scene.way.relay.cut();
      await eventually(async () => (await outage()) !== undefined, 60_000);
      await scene.put(name, 4);
      const late = await scene.agent();
      await scene.runs([late], name, 2);
      await decides(agent, name, 2);
      scene.way.heal();
      await scene.runs([agent, late], name, 4, 90_000);
      expect(await outage()).toBeUndefined();
    },
    180_000,
  );

  it('says 410 again and again, by status and by event, does so in vain', async () => {
    await scene.put('gone', 2);
    const agent = await scene.agent();
    await scene.runs([agent], 'gone', 2);
    scene.way.expirations = 2;
    scene.way.relay.cut();
    await scene.put('gone', 3);
    await scene.runs([agent], 'gone', 3, 90_000);
    scene.way.inject(GONE_EVENT);
    await scene.put('gone', 4);
    await scene.runs([agent], 'gone', 4, 90_000);
    expect((await agent.stats('gone')).policy?.generation).toBe(3);
  }, 240_000);

  it('is another one and behind does not take an agent back', async () => {
    await scene.put('behind', 1);
    await scene.put('removed', 1);
    const agent = await scene.agent();
    await scene.runs([agent], 'behind', 1);
    scene.way.remember();
    await eventually(() => !scene.way.remembering);
    for (const failures of [2, 3]) await scene.put('behind', failures);
    await scene.delete('removed');
    await scene.runs([agent], 'behind', 3);
    await scene.runs([agent], 'removed', undefined);
    const seen: (string | number)[] = [];
    let agreed = false;
    const watching = (async () => {
      while (!agreed) {
        const { policy } = await agent.stats('behind');
        seen.push(policy?.generation ?? 'none', (await agent.stats('removed')).policy ? 'removed' : '');
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    scene.way.oldLists = 1;
    scene.way.expirations = 1;
    scene.way.relay.cut();
    await eventually(() => scene.way.oldLists === 0, 60_000);
    await scene.put('behind', 5);
    await scene.runs([agent], 'behind', 5, 90_000);
    agreed = true;
    await watching;
    expect([3, 4, '']).toEqual(expect.arrayContaining([...new Set(seen)]));
  }, 180_000);
});

describe('a policy', () => {
  it('that is wrong beyond what the API server can tell leaves the version before in force', async () => {
    await scene.put('wrong', 2);
    const agent = await scene.agent();
    await scene.runs([agent], 'wrong', 2);
    await scene.put('wrong', 4, true);
    await eventually(
      async () => expect(await condition('wrong', 'Accepted')).toMatchObject({ status: 'False' }),
      60_000,
    );
    expect((await condition('wrong', 'Accepted'))?.message).toMatch(/limit/);
    expect((await agent.stats('wrong')).policy?.generation).toBe(1);
    const late = await scene.agent();
    await eventually(async () => (await late.link()).state === 'Live');
    expect((await late.stats('wrong')).policy).toBeUndefined();
    await decides(agent, 'wrong', 2);
    await scene.put('wrong', 3);
    await scene.runs([agent, late], 'wrong', 3);
    expect((await agent.stats('wrong')).policy?.generation).toBe(3);
  }, 120_000);

  it('that is deleted and made again is another one, whose generation 1 is newer', async () => {
    await scene.put('again', 2);
    await scene.put('again', 3);
    const agent = await scene.agent();
    await scene.runs([agent], 'again', 3);
    const before = (await agent.stats('again')).policy!;
    await scene.delete('again');
    await scene.put('again', 5);
    await scene.runs([agent], 'again', 5);
    const after = (await agent.stats('again')).policy!;
    expect([before.generation, after.generation]).toEqual([2, 1]);
    expect(after.uid).not.toBe(before.uid);
  }, 120_000);

  it('that is edited a thousand times costs each agent a push for some of them, and ends with the last', async () => {
    await scene.put('restless', 1);
    const agents = await Promise.all([scene.agent(), scene.agent()]);
    await scene.runs(agents, 'restless', 1);
    const commits = async () => Number(/^fuseboard_commits_total (\d+)$/m.exec(await scene.operator.metrics())?.[1]);
    const before = await commits();
    const begun = performance.now();
    for (let edit = 0; edit < 1_000; edit += 1) {
      await scene.put('restless', 2 + (edit % 7));
      const early = edit * 10 - (performance.now() - begun);
      if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    }
    const seconds = (performance.now() - begun) / 1_000;
    await scene.put('restless', 12);
    await scene.runs(agents, 'restless', 12);
    // Changes within 100 ms are one push.
    expect(((await commits()) - before) / agents.length).toBeLessThan(10 * seconds + 10);
    await scene.cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/restless', '--timeout=60s');
  }, 240_000);
});

it('clocks that are two hours apart change nothing: pushes, open circuits and status are as ever', async () => {
  const behind = { NODE_OPTIONS: `--import=${CLOCK}`, CLOCK_WALL_SHIFT_MS: String(-HOUR_MS) };
  await scene.put('clocks', 2);
  const agent = await scene.agent(behind);
  await scene.runs([agent], 'clocks', 2);
  await decides(agent, 'clocks', 2);
  const { retryAfterMs } = await agent.stats('clocks');
  expect(retryAfterMs).toBeGreaterThan(500_000);
  expect(retryAfterMs).toBeLessThanOrEqual(600_000);
  await scene.put('clocks', 3);
  await scene.runs([agent], 'clocks', 3);
  expect((await agent.stats('clocks')).state).toBe('open');
  await scene.cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/clocks', '--timeout=60s');
  await eventually(async () => expect(await condition('clocks', 'Healthy')).toMatchObject({ status: 'False' }), 60_000);
}, 120_000);

describe('the file of an application', () => {
  const kept = async (folder: string) => join(folder, (await readdir(folder)).find((name) => name.endsWith('.json'))!);
  const withFile = async (name: string, spoil: (file: string) => Promise<void>) => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-cache-'));
    await scene.put(name, 2);
    const first = await scene.agent({ FUSEBOARD_CACHE_DIR: folder });
    await scene.runs([first], name, 2);
    await eventually(async () => (await readFile(await kept(folder), 'utf8')).includes(`"${name}"`));
    await first.end();
    await spoil(await kept(folder));
    const second = await scene.agent({ FUSEBOARD_CACHE_DIR: folder });
    return { folder, second };
  };

  it.each([0, 10, 400])(
    'that was cut to %i bytes is not used, and is whole again afterwards',
    async (bytes) => {
      const { folder, second } = await withFile('truncated', (file) => truncate(file, bytes));
      expect(second.beganWith).toBe('Defaults');
      await scene.put('truncated', 4);
      await scene.runs([second], 'truncated', 4);
      await eventually(async () => (await readFile(await kept(folder), 'utf8')).includes('"consecutiveFailures":4'));
      await rm(folder, { recursive: true });
    },
    120_000,
  );

  it('from the future of a store that was restored is used, and given up on the word of the operator', async () => {
    const { folder, second } = await withFile('future', async (file) => {
      const [, body] = (await readFile(file, 'utf8')).split('\n') as [string, string];
      const ahead = body
        .replace(/"asOf":\{"policies":"\d+"/, '"asOf":{"policies":"99999999999999"')
        .replace(/"generation":1/, '"generation":7')
        .replace('"consecutiveFailures":2', '"consecutiveFailures":6');
      const checksum = createHash('sha256').update(ahead).digest('hex');
      await writeFile(file, `fuseboard last-good 1 ${checksum}\n${ahead}`);
    });
    expect(second.beganWith).toBe('LastGood');
    await scene.runs([second], 'future', 2, 90_000);
    await eventually(async () => !(await readFile(await kept(folder), 'utf8')).includes('99999999999999'));
    await rm(folder, { recursive: true });
  }, 120_000);

  it.each<[string, string, string]>([
    ['full', 'size=4k', 'no space left'],
    ['read-only', 'ro', 'read-only'],
  ])(
    'on a disk that is %s is done without: one warning, and policies continue',
    async (name, mount, warning) => {
      const folder = await mkdtemp(join(tmpdir(), 'fuseboard-disk-'));
      const mounted = await run('mount', ['-t', 'tmpfs', '-o', mount, 'tmpfs', folder]).then(
        () => true,
        () => false,
      );
      // Without the right to mount, a file in the place of the folder.
      if (!mounted) await writeFile(join(folder, 'cache'), '');
      const cache = mounted ? folder : join(folder, 'cache');
      try {
        if (mounted && name === 'full') await writeFile(join(folder, 'filler'), Buffer.alloc(8_192)).catch(() => {});
        await scene.put(`disk-${name}`, 2);
        const agent = await scene.agent({ FUSEBOARD_CACHE_DIR: cache });
        await scene.runs([agent], `disk-${name}`, 2);
        await eventually(() => agent.output.join('').includes('cannot be saved'));
        if (mounted) expect(agent.output.join('').toLowerCase()).toContain(warning);
        await scene.put(`disk-${name}`, 5);
        await scene.runs([agent], `disk-${name}`, 5);
        await decides(agent, `disk-${name}`, 5);
        expect(agent.output.join('').match(/cannot be saved/g)).toHaveLength(1);
        expect(failuresOf(await agent.stats(`disk-${name}`))).toBe(5);
      } finally {
        await scene.clear();
        if (mounted) await run('umount', [folder]);
        await rm(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
