import { createServer } from 'node:http';
import type { Report } from '@fuseboard/schema/types';
import { faultsOf } from '@fuseboard/schema/wire-contract';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import { FakeTimers } from '../../test/fake-timers.ts';
import { Registry } from '../breakers/registry.ts';
import { FakeControlPlane } from '../testing/testing.ts';
import { Ledger } from './ledger.ts';
import { type AppliedSet, Reporter } from './reporter.ts';

const defaults = { trip: { consecutiveFailures: 3 }, recovery: { openDuration: '30s' } };

let plane: FakeControlPlane;
let timers: FakeTimers;
let registry: Registry;
let reporter: Reporter;
let applied: AppliedSet;
let misdirected: number;
let warnings: string[];

beforeEach(async () => {
  plane = await FakeControlPlane.start();
  timers = new FakeTimers();
  registry = new Registry({ clock: timers, timeouts: timers });
  applied = { rejections: [] };
  misdirected = 0;
  warnings = [];
  const ledger = new Ledger('0'.repeat(32));
  reporter = new Reporter({
    endpoint: { url: new URL(plane.url) },
    identity: { service: 's', instance: 'i' },
    ledger,
    timers,
    random: () => 0.5,
    breakers: () => registry.reported((name, key) => ledger.isPending(name, key)),
    applied: () => applied,
    misdirected: () => {
      misdirected += 1;
    },
    warn: (message) => warnings.push(message),
  });
  registry.onTransition((breaker, change) => reporter.changed(breaker, change));
});
afterEach(async () => {
  reporter.detach();
  await plane.stop();
  expect(plane.reports.flatMap((report) => faultsOf('report', report))).toEqual([]);
});

/** Waits for the regular report, and returns it with all its parts. */
async function regular(): Promise<Report[]> {
  const sent = plane.reports.length;
  await eventually(() => timers.waiting(10_000) || timers.waiting(5_000));
  timers.advance(timers.waiting(5_000) ? 5_000 : 10_000);
  await plane.until((p) => p.reports.length > sent && p.reports.at(-1)!.part === p.reports.at(-1)!.parts);
  await eventually(() => timers.waiting(10_000));
  return plane.reports.slice(sent);
}
const only = async () => (await regular())[0]!.breakers[0];

describe('a report', () => {
  it('lists every breaker at first, then only those that changed', async () => {
    const a = registry.getBreaker('a');
    registry.getBreaker('b');
    reporter.attach(undefined);
    expect((await regular())[0]?.breakers.map(({ name }) => name)).toEqual(['a', 'b']);
    expect((await regular())[0]?.breakers).toEqual([]);
    a.enter()?.succeed();
    expect((await regular())[0]?.breakers.map(({ name }) => name)).toEqual(['a']);
    reporter.detach();
    reporter.attach(undefined);
    expect((await regular())[0]?.breakers.map(({ name }) => name)).toEqual(['a', 'b']);
  });

  it('counts from the beginning of the process, and says what was answered before', async () => {
    const breaker = registry.getBreaker('a');
    breaker.enter()?.succeed();
    reporter.attach(undefined);
    const first = await only();
    expect(first).toMatchObject({ totals: { succeeded: 1, failed: 0 } });
    expect(first?.base).toBeUndefined();
    breaker.enter()?.succeed();
    breaker.enter()?.fail();
    expect(await only()).toMatchObject({
      totals: { succeeded: 2, failed: 1 },
      base: { succeeded: 1, failed: 0 },
      latency: [3],
      baseLatency: [1],
    });
  });

  it('that was not answered is sent again with the same base', async () => {
    const breaker = registry.getBreaker('a');
    reporter.attach(undefined);
    await regular();
    breaker.enter()?.fail();
    plane.answerReports(500, 503);
    for (const failures of [1, 2]) {
      await eventually(() => timers.waiting(10_000));
      timers.advance(10_000);
      await eventually(() => timers.waiting(10_000));
      if (failures === 1) breaker.enter()?.fail();
    }
    expect(await only()).toMatchObject({ totals: { failed: 2 }, base: { failed: 0 } });
    expect(warnings).toEqual([expect.stringMatching(/answered 500/), expect.stringMatching(/answered 503/)]);
  });

  it('comes at once when a circuit opens, and says when and why', async () => {
    const breaker = registry.getBreaker('a', { defaults });
    reporter.attach(undefined);
    await regular();
    timers.advance(1_000);
    for (let i = 0; i < 3; i++) breaker.enter()?.fail();
    timers.advance(0);
    await plane.until((p) => p.reports.length === 2);
    expect(plane.reports[1]?.breakers[0]).toMatchObject({
      state: 'open',
      transitions: [{ from: 'closed', to: 'open', agoMs: 0, reason: 'consecutive-failures' }],
    });
  });

  it('tells a change that time alone brought, as of when it was due', async () => {
    const breaker = registry.getBreaker('a', { defaults });
    for (let i = 0; i < 3; i++) breaker.enter()?.fail();
    reporter.attach(undefined);
    for (let at = 5_000; at < 35_000; at += 10_000) expect((await only())?.state).not.toBe('half-open');
    expect(await only()).toMatchObject({
      state: 'half-open',
      since: 5_000,
      transitions: [{ from: 'open', to: 'half-open', agoMs: 5_000 }],
    });
  });

  it('holds the newest twenty changes', async () => {
    const breaker = registry.getBreaker('a', { defaults });
    for (let i = 0; i < 30; i++) {
      for (let n = 0; n < 3; n++) breaker.enter()?.fail();
      timers.advance(30_000);
      breaker.enter()?.succeed();
    }
    reporter.attach(undefined);
    const entry = await only();
    expect(entry?.transitions).toHaveLength(20);
    expect(entry?.transitions?.at(-1)).toMatchObject({ to: 'closed', agoMs: 5_000 });
  });

  it('acknowledges within half a second but not at once, with the time since', async () => {
    reporter.attach(undefined);
    await regular();
    timers.advance(1_000);
    applied = { revision: 'r1', at: timers.now(), rejections: [{ uid: 'u', generation: 2, field: 'f', message: 'm' }] };
    reporter.acknowledge();
    timers.advance(349);
    expect(plane.reports).toHaveLength(1);
    timers.advance(1);
    await plane.until((p) => p.reports.length === 2);
    expect(plane.reports[1]).toMatchObject({ revision: 'r1', appliedAgoMs: 350, rejections: applied.rejections });
    expect((await regular())[0]).toMatchObject({ revision: 'r1', rejections: applied.rejections });
    expect(plane.reports[2]?.appliedAgoMs).toBeUndefined();
  });

  it('comes at most four times a second', async () => {
    const breaker = registry.getBreaker('a', {
      defaults: { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1ms' } },
    });
    reporter.attach(undefined);
    await regular();
    const before = plane.reports.length;
    for (let ms = 0; ms < 1_000; ms += 10) {
      breaker.enter()?.fail();
      timers.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => plane.reports.length > before);
    expect(plane.reports.length - before).toBeLessThanOrEqual(4);
  });

  it('comes at once when a circuit opens after one that could not be made', async () => {
    const breaker = registry.getBreaker('a', { defaults });
    reporter.attach(undefined);
    await regular();
    const stats = jest.spyOn(breaker, 'stats').mockImplementationOnce(() => {
      throw new Error('no counts');
    });
    timers.advance(10_000);
    await eventually(() => warnings.length > 0 && timers.waiting(10_000));
    stats.mockRestore();
    timers.advance(1_000);
    for (let i = 0; i < 3; i++) breaker.enter()?.fail();
    timers.advance(0);
    await plane.until((p) => p.reports.length === 2);
    expect(plane.reports[1]?.breakers[0]).toMatchObject({ state: 'open' });
    expect(warnings).toEqual(['this agent failed to report: no counts']);
  });

  it('is cut into parts that hold every breaker once', async () => {
    const names = Array.from({ length: 500 }, (_, i) => `breaker-${i}`);
    for (const name of names) registry.getBreaker(name);
    reporter.attach(undefined);
    const parts = await regular();
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ part, parts: of, sequence }) => [part, of, sequence])).toEqual(
      parts.map((_, i) => [i + 1, parts.length, 1]),
    );
    for (const part of parts) expect(Buffer.byteLength(JSON.stringify(part))).toBeLessThanOrEqual(48 * 1024);
    expect(parts.flatMap(({ breakers }) => breakers.map(({ name }) => name))).toEqual(names);
  });

  it('says goodbye with the last counts', async () => {
    const breaker = registry.getBreaker('a');
    reporter.attach(undefined);
    await regular();
    breaker.enter()?.fail();
    await reporter.bye(10_000);
    expect(plane.reports.at(-1)).toMatchObject({ bye: true, breakers: [{ totals: { failed: 1 } }] });
  });
});

describe('the way of a report', () => {
  it('tries other sockets when it lands on another replica', async () => {
    registry.getBreaker('a');
    plane.answerReports(421, 421, 421);
    reporter.attach(undefined);
    expect((await regular())[0]?.breakers).toHaveLength(1);
    expect(misdirected).toBe(0);
  });

  it('gives up after eight tries and has the stream reconnected to', async () => {
    plane.answerReports(...Array<number>(8).fill(421));
    reporter.attach(undefined);
    await eventually(() => timers.waiting(5_000));
    timers.advance(5_000);
    await eventually(() => misdirected === 1);
    expect(plane.reports).toEqual([]);
  });

  it('goes where the replica says', async () => {
    const replica = await FakeControlPlane.start();
    reporter.attach(`${replica.url}/v1/report`);
    await eventually(() => timers.waiting(5_000));
    timers.advance(5_000);
    await replica.until((p) => p.reports.length === 1);
    await replica.stop();
  });

  it('says goodbye to the replica that it leaves for another, and not to one that it comes back to', async () => {
    const [former, next] = [await FakeControlPlane.start(), await FakeControlPlane.start()];
    reporter.attach(`${former.url}/v1/report`);
    reporter.attach(`${former.url}/v1/report`);
    reporter.detach();
    reporter.attach(`${next.url}/v1/report`);
    await former.until((p) => p.reports.length === 1);
    expect(former.reports[0]).toMatchObject({ bye: true, breakers: [], rejections: [] });
    await eventually(() => timers.waiting(5_000));
    timers.advance(5_000);
    await next.until((p) => p.reports.length === 1);
    expect(next.reports[0]!.bye).toBeUndefined();
    expect(next.reports[0]!.sequence).toBeGreaterThan(former.reports[0]!.sequence);
    expect(former.reports).toHaveLength(1);
    await Promise.all([former.stop(), next.stop()]);
  });

  it('goes to the address it connected to where the replica cannot be reached', async () => {
    const gone = createServer().listen(0, '127.0.0.1');
    await eventually(() => gone.listening);
    const { port } = gone.address() as { port: number };
    await new Promise((resolve) => gone.close(resolve));
    reporter.attach(`http://127.0.0.1:${port}/v1/report`);
    expect(await regular()).toHaveLength(1);
  });

  it('goes to the address it connected to where an answer does not end', async () => {
    let given = 0;
    let isOver = false;
    const endless = createServer((request, response) => {
      request.resume();
      const more = () => {
        given += 16_384;
        if (!isOver) response.write(Buffer.alloc(16_384), () => setImmediate(more));
      };
      response.on('close', () => {
        isOver = true;
      });
      more();
    }).listen(0, '127.0.0.1');
    try {
      await eventually(() => endless.listening);
      const { port } = endless.address() as { port: number };
      reporter.attach(`http://127.0.0.1:${port}/v1/report`);
      expect(await regular()).toHaveLength(1);
      await eventually(() => isOver);
      // What the agent did not read is in the buffers of the connection.
      expect(given).toBeGreaterThan(65_536);
    } finally {
      endless.closeAllConnections();
      endless.close();
    }
  });
});
