import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../cluster/run.ts';
import type { AgentProcess } from '../../processes/agent.ts';
import { failuresOf, Scene } from '../scene.ts';

/** What the wire of the test at hand does to requests and answers. */
let deliveries: readonly number[] | undefined;
let holdReports = false;
let change: ((text: string) => string) | undefined;
let reported: ((body: Record<string, unknown>) => void) | undefined;
let scene: Scene;

const isReport = (url: string | undefined) => url?.startsWith('/v1/report') === true;

beforeAll(async () => {
  scene = await Scene.start({
    answer: ({ url }) => (holdReports && isReport(url) ? 'hold' : undefined),
    deliveries: ({ url }) => (isReport(url) ? deliveries : undefined),
    sends: ({ url }, body) => {
      if (reported === undefined || !isReport(url)) return body;
      const report = JSON.parse(body.toString('utf8')) as Record<string, unknown>;
      reported(report);
      return Buffer.from(JSON.stringify(report));
    },
    body: ({ url }) => {
      const own = change;
      return own === undefined || isReport(url) ? undefined : wholeEvents(own);
    },
  });
}, 600_000);

afterEach(async () => {
  deliveries = undefined;
  holdReports = false;
  change = undefined;
  reported = undefined;
  await scene.clear();
});

afterAll(() => scene?.stop());

/** Changes a stream event by event, however it is cut into pieces. */
function wholeEvents(changed: (event: string) => string): (chunk: Buffer) => Buffer {
  let rest = '';
  return (chunk) => {
    const events = (rest + chunk.toString('utf8')).split('\n\n');
    rest = events.pop()!;
    return Buffer.from(events.map((event) => changed(`${event}\n\n`)).join(''));
  };
}

/** Watches what governs a breaker until the work is done; every generation that was seen, in order. */
async function generations(agent: AgentProcess, breaker: string, work: Promise<unknown>): Promise<number[]> {
  const seen: number[] = [];
  let done = false;
  void work.finally(() => {
    done = true;
  });
  while (!done) {
    const { policy } = await agent.stats(breaker);
    if (policy !== undefined && policy.generation !== seen.at(-1)) seen.push(policy.generation);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  await work;
  return seen;
}

const calls = async (agent: AgentProcess, breaker: string, count: number) =>
  expect(await agent.call(breaker, ...Array<'ok'>(count).fill('ok'))).toEqual(Array(count).fill('passed'));

const counted = async (breaker: string) => {
  const lines = (await scene.operator.metrics())
    .split('\n')
    .filter((line) => line.startsWith('fuseboard_calls_total{'));
  return lines
    .filter((line) => line.includes(`policy="${breaker}"`))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
};

describe('a wire that is bad', () => {
  it.each<[string, () => void]>([
    ['loses 30 % of what is sent', () => (scene.service.loss = 0.3)],
    ['is half a second late', () => (scene.service.delayMs = 500)],
    ['carries 10 kB a second', () => (scene.service.bytesPerSecond = 10_000)],
  ])(
    'and %s brings the newest policy to every agent, and none that is older',
    async (_name, spoil) => {
      await scene.put('thin', 1);
      const agent = await scene.agent();
      await scene.runs([agent], 'thin', 1);
      spoil();
      const late = await scene.agent();
      const edits = (async () => {
        for (const failures of [2, 3, 4, 5]) await scene.put('thin', failures);
        await scene.runs([agent, late], 'thin', 5);
      })();
      const seen = await generations(agent, 'thin', edits);
      expect(seen).toEqual(seen.toSorted((a, b) => a - b));
      await calls(late, 'thin', 3);
      await scene.delete('thin');
      await scene.runs([agent, late], 'thin', undefined);
    },
    180_000,
  );

  it('and ends in the middle of a push leaves an agent with all of it or nothing, also when the operator is killed then', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `many-${i}`);
    for (const name of names) await scene.put(name, 3);
    scene.service.bytesPerSecond = 4_000;
    const agent = await scene.agent();
    await eventually(() => scene.service.passed > 2_000);
    await scene.operator.end('SIGKILL');
    for (const name of names) expect(failuresOf(await agent.stats(name))).toBeUndefined();
    scene.service.heal();
    scene.operator.launch();
    await eventually(() => scene.operator.ready(), 90_000);
    await scene.runs([agent], names.at(-1)!, 3);
    for (const name of names) expect(failuresOf(await agent.stats(name))).toBe(3);
    for (const name of names) await scene.delete(name);
  }, 180_000);
});

describe('reports', () => {
  it('that are held keep no push waiting, and nothing is Programmed that nobody said it runs', async () => {
    await scene.put('held', 1);
    const agent = await scene.agent();
    await scene.runs([agent], 'held', 1);
    await scene.cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/held', '--timeout=60s');
    holdReports = true;
    for (const failures of [2, 3, 4]) {
      await scene.put('held', failures);
      await scene.runs([agent], 'held', failures, 10_000);
    }
    const programmed = async () =>
      (await scene.status('held')).conditions?.find(({ type }) => type === 'Programmed')?.status;
    await eventually(async () => (await programmed()) !== 'True');
    holdReports = false;
    await eventually(async () => (await programmed()) === 'True', 90_000);
  }, 180_000);

  it.each<[string, string, readonly number[]]>([
    ['twice', 'repeated', [0, 5, 200]],
    ['late, after the one that followed it', 'reordered', [Number.POSITIVE_INFINITY, 12_000]],
  ])(
    'that come %s count no call twice, and lose none',
    async (_when, name, delays) => {
      await scene.put(name, 9);
      const agent = await scene.agent();
      await scene.runs([agent], name, 9);
      await calls(agent, name, 5);
      await eventually(async () => expect(await counted(name)).toBe(5), 60_000);
      deliveries = delays;
      await calls(agent, name, 7);
      await eventually(() => scene.service.again > 0, 60_000);
      deliveries = undefined;
      await calls(agent, name, 3);
      await eventually(async () => expect(await counted(name)).toBe(15), 60_000);
      // What still is on its way comes now, and adds nothing.
      await new Promise((resolve) => setTimeout(resolve, 13_000));
      expect(await counted(name)).toBe(15);
      await scene.delete(name);
    },
    240_000,
  );
});

describe('a client that is no friend', () => {
  const openSocket = () => connect(scene.operator.agentsPort, '127.0.0.1').on('error', () => {});
  const post = (headers: string, body: Buffer | string) => {
    const socket = openSocket();
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.write(`POST /v1/report HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n${headers}\r\n\r\n`);
    socket.write(body);
    return { socket, status: () => /^HTTP\/1\.1 (\d+)/.exec(answer)?.[1] };
  };
  const memory = async () =>
    Number(/^process_resident_memory_bytes (\S+)$/m.exec(await scene.operator.metrics())?.[1]) / 2 ** 20;

  it('and sends its headers slowly, 100 MB, or a bomb is turned away, while pushes flow and memory stays', async () => {
    await scene.put('busy', 1);
    const agent = await scene.agent();
    await scene.runs([agent], 'busy', 1);
    const before = await memory();

    const slow = Array.from({ length: 20 }, openSocket);
    const dripping = setInterval(() => {
      for (const socket of slow) if (socket.writable) socket.write('x');
    }, 500);
    for (const socket of slow) socket.write('GET /v1/stream HTTP/1.1\r\nhost: a\r\nx-slow: ');
    const announced = post(`content-length: ${100 * 2 ** 20}`, '{');
    const bomb = gzipSync(Buffer.alloc(50 * 2 ** 20, ' '));
    expect(bomb.length).toBeLessThan(65_536);
    const packed = post(`content-encoding: gzip\r\ncontent-length: ${bomb.length}`, bomb);
    const endless = post('transfer-encoding: chunked', '');
    const piece = `10000\r\n${' '.repeat(65_536)}\r\n`;
    for (let i = 0; i < 1_600 && !endless.socket.destroyed && endless.status() === undefined; i += 1) {
      if (!endless.socket.write(piece)) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await eventually(() => {
      expect([announced.status(), packed.status(), endless.status() ?? '413']).toEqual(['413', '413', '413']);
    });
    await scene.put('busy', 2);
    await scene.runs([agent], 'busy', 2, 10_000);
    await eventually(() => slow.every((socket) => socket.destroyed || socket.readableEnded), 60_000);
    clearInterval(dripping);
    for (const { socket } of [announced, packed, endless]) socket.destroy();
    expect((await memory()) - before).toBeLessThan(100);
  }, 180_000);

  it('and does not read what it asked for delays nobody, costs a bounded part of memory and is cut', async () => {
    await scene.put('stalled', 1);
    const agents = await Promise.all([scene.agent(), scene.agent()]);
    await scene.runs(agents, 'stalled', 1);
    const query = (i: number) => `service=raw&instance=raw-${i}&boot=${String(i).padStart(32, '0')}`;
    const readers = Array.from({ length: 100 }, (_, i) => {
      const socket = openSocket();
      socket.write(`GET /v1/stream?${query(i)} HTTP/1.1\r\nhost: a\r\n\r\n`);
      return socket;
    });
    for (const socket of readers.slice(1)) socket.resume();
    readers[0]!.pause();
    const before = await memory();
    for (let round = 2; round < 12; round += 1) {
      await Promise.all(Array.from({ length: 8 }, (_, i) => scene.putWide(`wide-${i}`, round)));
      await scene.put('stalled', (round % 8) + 1);
      await scene.runs(agents, 'stalled', (round % 8) + 1, 15_000);
    }
    expect((await memory()) - before).toBeLessThan(150);
    expect(readers.filter((socket) => socket.destroyed)).toHaveLength(0);
    const streams = async () => Number(/^fuseboard_streams (\d+)$/m.exec(await scene.operator.metrics())?.[1]);
    await eventually(async () => expect(await streams()).toBe(99 + agents.length), 120_000);
    for (const socket of readers) socket.destroy();
    for (let i = 0; i < 8; i += 1) await scene.delete(`wide-${i}`);
  }, 240_000);
});

describe('an agent and an operator of different versions:', () => {
  const data = (event: string, edit: (body: Record<string, unknown>) => void) =>
    event.replace(/^data: (\{.*\})$/m, (_line, json: string) => {
      const body = JSON.parse(json) as Record<string, unknown>;
      edit(body);
      return `data: ${JSON.stringify(body)}`;
    });

  it.each<[string, (event: string) => string]>([
    [
      'the operator knows an event and fields more',
      (event) => {
        const more = data(event, (body) => Object.assign(body, { future: { since: 2 } }));
        return more.startsWith('event: policy') ? `event: weather\ndata: {"mood":"fine"}\n\n${more}` : more;
      },
    ],
    [
      'the operator knows a field and an event fewer',
      (event) => {
        if (event.startsWith('event: heartbeat')) return ': \n\n';
        return data(event, (body) => {
          delete body.asOf;
          delete body.name;
        });
      },
    ],
    [
      'a policy has a field that the agent does not know',
      (event) =>
        event.startsWith('event: policy')
          ? data(event, (body) => Object.assign(body.spec as object, { quorum: { members: 3 } }))
          : event,
    ],
  ])(
    '%s, and edits and deletions continue',
    async (_name, changed) => {
      change = changed;
      await scene.put('skewed', 2);
      const agent = await scene.agent();
      await scene.runs([agent], 'skewed', 2);
      await scene.put('skewed', 3);
      await scene.runs([agent], 'skewed', 3);
      expect(await agent.call('skewed', 'fail', 'fail', 'fail', 'ok')).toEqual([
        'failed',
        'failed',
        'failed',
        'rejected',
      ]);
      await scene.cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/skewed', '--timeout=60s');
      await scene.delete('skewed');
      await scene.runs([agent], 'skewed', undefined);
    },
    120_000,
  );

  it.each<[string, (body: Record<string, unknown>) => void]>([
    [
      'the reports of the agent have fields more',
      (body) => {
        Object.assign(body, { weather: 'fine' });
        for (const breaker of body.breakers as object[]) Object.assign(breaker, { future: { since: 2 } });
      },
    ],
    [
      'the reports of the agent have fields fewer',
      (body) => {
        delete body.appliedAgoMs;
        for (const breaker of body.breakers as { latency?: unknown; transitions?: unknown }[]) {
          delete breaker.latency;
          delete breaker.transitions;
        }
      },
    ],
  ])(
    '%s, and the operator counts and knows what runs',
    async (name, changed) => {
      const breaker = name.endsWith('more') ? 'newer' : 'older';
      reported = changed;
      await scene.put(breaker, 2);
      const agent = await scene.agent();
      await scene.runs([agent], breaker, 2);
      await calls(agent, breaker, 4);
      await eventually(async () => expect(await counted(breaker)).toBe(4), 60_000);
      await scene.cluster.kubectl('wait', '--for=condition=Programmed', `cbp/${breaker}`, '--timeout=60s');
      await scene.delete(breaker);
    },
    120_000,
  );

  it('the agent cannot use what the operator takes: it keeps the version before, says so, and takes the next', async () => {
    await scene.put('strange', 2);
    await scene.put('plain', 2);
    const agent = await scene.agent();
    await scene.runs([agent], 'strange', 2);
    change = (event) =>
      event.includes('"name":"strange"')
        ? event.replace(/"consecutiveFailures":\d+/, '"consecutiveFailures":"some"')
        : event;
    scene.service.cut();
    await eventually(async () => (await agent.link()).state === 'Live');
    await scene.put('strange', 4);
    await scene.put('plain', 5);
    await scene.runs([agent], 'plain', 5);
    expect(failuresOf(await agent.stats('strange'))).toBe(2);
    await eventually(async () => {
      const { agents, rejections } = await scene.status('strange');
      expect(agents?.rejected).toBe(1);
      expect(rejections?.[0]?.field).toMatch(/consecutiveFailures/);
    }, 60_000);
    change = undefined;
    scene.service.cut();
    await scene.runs([agent], 'strange', 4);
    await eventually(async () => expect((await scene.status('strange')).agents?.rejected).toBe(0), 60_000);
    for (const name of ['strange', 'plain']) await scene.delete(name);
  }, 180_000);
});
