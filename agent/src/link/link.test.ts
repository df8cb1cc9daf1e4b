import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldsInWords } from '@fuseboard/schema/trip-conditions';
import { faultsOf } from '@fuseboard/schema/wire-contract';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import { FakeTimers } from '../../test/fake-timers.ts';
import { Registry } from '../breakers/registry.ts';
import type { Answer } from '../testing/fake-control-plane.ts';
import { FakeClock, FakeControlPlane } from '../testing/testing.ts';
import { Ledger } from './ledger.ts';
import { Link } from './link.ts';
import { readSettings } from './settings/settings.ts';
import type { StartOptions } from './settings/start-options.ts';
import type { Timers } from './timers.ts';

const payments = (consecutiveFailures: number) => ({
  name: 'payments',
  spec: { breakers: ['payments'], trip: { consecutiveFailures } },
});

let root: string;
let plane: FakeControlPlane;
let links: Link[];
let warnings: string[];

function connect({ timers, alone, ...options }: StartOptions & { timers?: Timers; alone?: boolean } = {}) {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const settings = readSettings({ ...(alone ? {} : { url: plane.url }), service: 'checkout', ...options }, {});
  const ledger = new Ledger('b'.repeat(32));
  const warn = (message: string) => warnings.push(message);
  const link = new Link({
    settings,
    registry,
    holder: { ledger },
    warn,
    random: () => 0.05,
    ...(timers ? { timers } : {}),
  });
  links.push(link);
  link.load();
  void link.start();
  return { link, registry, clock, breaker: registry.getBreaker('payments') };
}
const acknowledged = (on: FakeControlPlane) => on.until((p) => p.reports.at(-1)?.revision === p.revision);
const fail = (breaker: ReturnType<Registry['getBreaker']>, times: number) => {
  for (let i = 0; i < times; i++) breaker.enter()?.fail();
};

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'fuseboard-link-'));
  links = [];
  warnings = [];
  plane = await FakeControlPlane.start();
  plane.push([payments(3)]);
});
afterEach(async () => {
  await Promise.all(links.map((link) => link.stop(0)));
  await plane.stop();
  expect(plane.reports.flatMap((report) => faultsOf('report', report))).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});

describe('a link', () => {
  it('applies what the operator says and acknowledges it', async () => {
    const { link, breaker } = connect({ labels: { app: 'checkout', tier: 'web' }, namespace: 'shop' });
    expect(link.state).toBe('Defaults');
    expect(await link.ready(10_000)).toBe('Live');
    expect(breaker.stats()).toMatchObject({ source: 'policy', uid: 'uid-payments' });
    await acknowledged(plane);
    expect(plane.reports[0]).toMatchObject({
      service: 'checkout',
      boot: 'b'.repeat(32),
      sequence: 1,
      appliedAgoMs: expect.any(Number),
      rejections: [],
      breakers: [{ name: 'payments', uid: 'uid-payments', state: 'closed' }],
    });
    expect(Object.fromEntries(plane.connections[0]!.query)).toMatchObject({
      protocol: '1',
      service: 'checkout',
      labels: 'app=checkout,tier=web',
      namespace: 'shop',
      boot: 'b'.repeat(32),
    });
    expect(warnings).toEqual([]);
  });

  it('keeps an open circuit open when its threshold rises', async () => {
    const { link, breaker } = connect();
    await link.ready(10_000);
    fail(breaker, 3);
    expect(breaker.state).toBe('open');
    await plane.until((p) => p.reports.some((report) => report.breakers[0]?.state === 'open'));
    expect(plane.reports.at(-1)?.breakers[0]?.transitions).toMatchObject([{ from: 'closed', to: 'open' }]);
    plane.push([payments(5)]);
    await acknowledged(plane);
    expect(breaker.state).toBe('open');
  });

  it('applies an override until its end, with the operator gone by then, and says so', async () => {
    const timers = new FakeTimers();
    const { link, registry, breaker, clock } = connect({ timers });
    await link.ready(10_000);
    const applied: unknown[] = [];
    registry.onApply((set) => applied.push(set?.revision));
    const { revision: base } = plane;
    const override = { uid: 'o', name: 'stop', breakers: ['pay*'], action: 'ForceOpen', reason: 'why', createdAt: 1 };
    const frames = [
      ['begin', { kind: 'patch', base, revision: 'x', now: 1_000 }],
      ['override', { ...override, expiresAt: 61_000 }],
      ['commit', { revision: 'x' }],
    ];
    plane.send(frames.map(([event, content]) => `event: ${event}\ndata: ${JSON.stringify(content)}\n\n`).join(''));
    await eventually(() => breaker.state === 'open');
    timers.advance(1_000);
    await plane.until((p) => p.reports.at(-1)?.revision === 'x');
    expect(plane.reports.at(-1)).toMatchObject({ overrides: ['o'], breakers: [{ override: 'o', state: 'open' }] });
    await plane.stop();
    clock.advance(60_000);
    timers.advance(60_000);
    expect(breaker.state).toBe('half-open');
    expect(applied).toEqual(['x']);
  });

  it('drops a policy that was removed, and keeps one on hold', async () => {
    const { link, breaker, registry } = connect();
    const other = registry.getBreaker('other');
    plane.push([payments(3), { name: 'other', spec: { breakers: ['other'], trip: { consecutiveFailures: 1 } } }]);
    await link.ready(10_000);
    plane.hold('payments');
    await acknowledged(plane);
    expect(breaker.stats().source).toBe('policy');
    plane.remove('other');
    await acknowledged(plane);
    expect(other.stats().source).toBe('none');
    plane.push([]);
    await acknowledged(plane);
    expect(breaker.stats().source).toBe('none');
  });

  it('resumes where it was when the stream is cut', async () => {
    const { link } = connect();
    await link.ready(10_000);
    plane.cut();
    await eventually(() => link.state === 'Stale');
    await plane.until((p) => p.connections.length === 2);
    expect(plane.connections[1]?.resumedFrom).toBe(plane.revision);
    expect(plane.connections[1]?.query.get('since')).toBe('policies=1001');
    await eventually(() => link.state === 'Live');
  });

  it('forgets what a stream began and did not commit', async () => {
    const { link, breaker } = connect();
    await link.ready(10_000);
    plane.send('event: begin\ndata: {"kind":"snapshot","revision":"x","now":0}\n\n');
    plane.send('event: policy\ndata: {"uid":"uid-payments","generation":2,"spec":{"breakers":["payments"]}}\n\n');
    plane.cut();
    await plane.until((p) => p.connections.length === 2);
    await eventually(() => link.state === 'Live');
    fail(breaker, 3);
    expect(breaker.state).toBe('open');
  });

  it('asks for everything when it is sent a change of something else', async () => {
    const { link } = connect();
    await link.ready(10_000);
    plane.send('event: begin\ndata: {"kind":"patch","base":"else","revision":"x","now":0}\n\n');
    await plane.until((p) => p.connections.length === 2);
    expect(plane.connections[1]?.resumedFrom).toBeUndefined();
    await eventually(() => link.state === 'Live');
  });

  it('reconnects without a warning after goaway', async () => {
    const { link } = connect();
    await link.ready(10_000);
    plane.goaway();
    await plane.until((p) => p.connections.length === 2);
    await eventually(() => link.state === 'Live');
    expect(warnings).toEqual([]);
  });

  it('warns of an operator that does not return only when the change that it announced is over', async () => {
    const timers = new FakeTimers();
    const { link } = connect({ timers });
    await link.ready(10_000);
    plane.answerStreams({ status: 503 });
    plane.goaway(1_000);
    await eventually(() => link.state === 'Stale');
    timers.advance(1_050);
    await eventually(() => timers.waiting(25));
    timers.advance(25);
    await eventually(() => timers.waiting(50));
    expect(warnings).toEqual([]);
    timers.advance(15_000);
    await eventually(() => warnings.length === 1);
    expect(warnings).toEqual([expect.stringMatching(/not ready \(503\)/)]);
  });

  it('reports a policy that it cannot use, and keeps the version before', async () => {
    const { link, breaker } = connect();
    await link.ready(10_000);
    const spec = { breakers: ['payments'], trip: { consecutiveFailures: 'many' } };
    plane.push([{ name: 'payments', spec: spec as never }]);
    await plane.until((p) => p.reports.at(-1)?.rejections.length === 1);
    expect(plane.reports.at(-1)?.rejections[0]).toMatchObject({ uid: 'uid-payments', generation: 2 });
    fail(breaker, 3);
    expect(breaker.state).toBe('open');
    plane.cut();
    await plane.until((p) => p.connections.length === 2);
    expect(plane.connections[1]?.resumedFrom).toBeUndefined();
    await eventually(() => link.state === 'Live');
    expect(warnings.filter((warning) => warning.includes('cannot be used'))).toHaveLength(1);
  });

  it('says once of a name without a policy what to do', async () => {
    const { link, registry } = connect();
    registry.getBreaker('nobody');
    registry.getBreaker('defaulted', { defaults: { trip: { consecutiveFailures: 1 } } });
    await link.ready(10_000);
    registry.getBreaker('later');
    plane.push([payments(4)]);
    await acknowledged(plane);
    expect(warnings).toEqual([expect.stringContaining('"nobody"'), expect.stringContaining('"later"')]);
  });

  it('says once of a breaker that nothing can open what to set', async () => {
    plane.push([
      { name: 'payments', spec: { breakers: ['payments'], timeout: { duration: '1s' } } },
      { name: 'quiet', spec: { breakers: ['quiet'], mode: 'Disabled' } },
    ]);
    const { link, registry } = connect();
    registry.getBreaker('quiet');
    registry.getBreaker('limited', { defaults: { concurrency: { maxConcurrent: 5 } } });
    expect(warnings).toEqual([]);
    await link.ready(10_000);
    registry.getBreaker('later', { defaults: { mode: 'Shadow' } });
    plane.push([{ name: 'payments', spec: { breakers: ['payments'], timeout: { duration: '2s' } } }]);
    await acknowledged(plane);
    const advice = `because trip has no condition; set ${fieldsInWords()} in trip`;
    expect(warnings).toEqual([
      `nothing can open the circuit of "payments" (policy "payments"), "limited" (its defaults), ${advice}`,
      `nothing can open the circuit of "later" (its defaults), ${advice}`,
      expect.stringContaining('no policy governs "quiet"'),
    ]);
  });

  it('says without an operator which defaults never open, and nothing of a breaker without defaults', async () => {
    const { registry } = connect({ alone: true });
    registry.getBreaker('limited', { defaults: { concurrency: { maxConcurrent: 5 } } });
    registry.getBreaker('guarded', { defaults: { trip: { consecutiveFailures: 5 } } });
    await eventually(() => warnings.length === 1);
    registry.getBreaker('shadowed', { defaults: { mode: 'Shadow' } });
    registry.getBreaker('both', { defaults: { mode: 'Shadow' } });
    await eventually(() => warnings.length === 2);
    expect(warnings).toEqual([
      expect.stringContaining('the circuit of "limited" (its defaults)'),
      expect.stringContaining('the circuit of "shadowed" (its defaults), "both" (its defaults)'),
    ]);
  });

  it('takes two thousand policies', async () => {
    const names = Array.from({ length: 2_000 }, (_, i) => `b${i}`);
    plane.push(names.map((name) => ({ name, spec: { breakers: [name], trip: { consecutiveFailures: 1 } } })));
    const { link, registry } = connect();
    await link.ready(10_000);
    expect(registry.getBreaker('b1999').stats().source).toBe('policy');
  });

  it('sends the token as it is at each connect', async () => {
    const tokenFile = join(root, 'token');
    writeFileSync(tokenFile, 'first\n');
    const { link } = connect({ tokenFile });
    await link.ready(10_000);
    writeFileSync(tokenFile, 'second');
    plane.cut();
    await plane.until((p) => p.connections.length === 2);
    expect(plane.connections.map(({ headers }) => headers.authorization)).toEqual(['Bearer first', 'Bearer second']);
  });
});

describe('without the operator', () => {
  it('runs on the last good policies, then on the live ones', async () => {
    const cacheDir = join(root, 'cache');
    const first = connect({ cacheDir });
    await first.link.ready(10_000);
    await first.link.stop(1_000);
    plane.answerStreams({ status: 503 });
    const { link, breaker } = connect({ cacheDir });
    expect(link.state).toBe('LastGood');
    fail(breaker, 3);
    expect(breaker.state).toBe('open');
    plane.answerStreams();
    expect(await link.ready(10_000)).toBe('Live');
    expect(plane.streams[0]?.resumedFrom).toBe(plane.revision);
    expect(breaker.state).toBe('open');
  });

  it('runs on the bootstrap file, and asks for everything later', async () => {
    const policies = join(root, 'policies.json');
    const metadata = { name: 'payments' };
    writeFileSync(policies, JSON.stringify([{ metadata, spec: payments(1).spec }]));
    const { link, breaker } = connect({ policies });
    expect(link.state).toBe('Defaults');
    fail(breaker, 1);
    expect(breaker.state).toBe('open');
    await link.ready(10_000);
    expect(plane.connections[0]?.resumedFrom).toBeUndefined();
  });

  it('warns once of a half-written file and continues without it', async () => {
    const cacheDir = join(root, 'cache');
    const first = connect({ cacheDir });
    await first.link.ready(10_000);
    await first.link.stop(1_000);
    const { readdirSync, truncateSync } = await import('node:fs');
    truncateSync(join(cacheDir, readdirSync(cacheDir)[0]!), 90);
    const { link } = connect({ cacheDir });
    expect(link.state).toBe('Defaults');
    expect(warnings).toEqual([expect.stringContaining('damaged')]);
    expect(await link.ready(10_000)).toBe('Live');
  });

  it('gives up waiting with whatever it has', async () => {
    plane.answerStreams('hang');
    expect(await connect().link.ready(1)).toBe('Defaults');
  });
});

describe('an operator that is not one', () => {
  const html = { 'content-type': 'text/html' };
  it.each<[string, Answer, RegExp]>([
    ['answers HTML', { status: 200, headers: html, body: '<html>' }, /200 with text\/html.*FUSEBOARD_URL/],
    ['answers 404', { status: 404, headers: html }, /404/],
    ['redirects', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, /redirects \(302\)/],
    ['refuses the token', { status: 401 }, /refuses the token.*FUSEBOARD_TOKEN_FILE/],
    ['is not ready', { status: 503, headers: { 'retry-after': '0' } }, /not ready \(503\)/],
  ])('%s: one warning, calls continue, and all is well once it is back', async (_what, answer, warning) => {
    plane.answerStreams(answer);
    const { link, breaker } = connect();
    await plane.until((p) => p.connections.length >= 3);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    expect(await breaker.execute(async () => 'through')).toBe('through');
    plane.answerStreams();
    expect(await link.ready(10_000)).toBe('Live');
  });

  it.each<[string, string | Uint8Array, RegExp]>([
    [
      'binary garbage',
      Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 256 || 1).fill(65, 10_000),
      /longer than/,
    ],
    ['an event that is not JSON', 'event: begin\ndata: {half\n\n', /"begin" is not JSON/],
    ['a malformed event', 'event: begin\ndata: {"kind":"all"}\n\n', /"begin" is malformed/],
    [
      'a revision that no header holds',
      'event: begin\ndata: {"kind":"snapshot","revision":"\u4e2d"}\n\n',
      /"begin" is malformed/,
    ],
    ['a set out of order', 'event: commit\ndata: {"revision":"x"}\n\n', /did not begin/],
    ['a second hello', 'event: hello\ndata: {"protocol":1,"heartbeatMs":1000}\n\n', /"hello" twice on one stream/],
    [
      'one hello after another, each with another address for reports',
      Array.from(
        { length: 1_000 },
        (_, i) =>
          `event: hello\ndata: {"protocol":1,"heartbeatMs":1000,"reportUrl":"https://127.0.0.2:${i + 1_024}/"}\n\n`,
      ).join(''),
      /"hello" twice on one stream/,
    ],
  ])('sends %s: one warning, the policies stay, and it is reconnected to', async (_what, bytes, warning) => {
    const { link, breaker } = connect();
    await link.ready(10_000);
    for (const connects of [2, 3]) {
      plane.send(bytes);
      await plane.until((p) => p.connections.length === connects);
      await eventually(() => link.state === 'Live');
    }
    expect(warnings).toEqual([expect.stringMatching(warning)]);
    fail(breaker, 3);
    expect(breaker.state).toBe('open');
  });

  it('ends in its first packet: what it said applies', async () => {
    const said = [
      ['hello', { protocol: 1, heartbeatMs: 15_000 }],
      ['begin', { kind: 'snapshot', revision: 'x', now: Date.now() }],
      ['policy', { uid: 'u', generation: 1, name: 'payments', spec: payments(2).spec }],
      ['routes', [['payments', 'u']]],
      ['commit', { revision: 'x' }],
    ].map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
    const headers = { 'content-type': 'text/event-stream' };
    plane.answerStreams({ status: 200, headers, body: said.join('') });
    const { breaker } = connect();
    await eventually(() => breaker.source === 'policy');
    fail(breaker, 2);
    expect(breaker.state).toBe('open');
  });

  it('ignores events and fields that it does not know', async () => {
    const { link } = connect();
    await link.ready(10_000);
    plane.send('event: novelty\ndata: what\n\nevent: heartbeat\ndata: {"now":0,"mood":"good"}\n\n');
    plane.push([payments(9)]);
    await acknowledged(plane);
    expect(plane.connections).toHaveLength(1);
  });

  it('hangs: it is given up after 15 s and reconnected to', async () => {
    plane.answerStreams('hang');
    const timers = new FakeTimers();
    const { link } = connect({ timers });
    await plane.until((p) => p.connections.length === 1);
    timers.advance(14_999);
    expect(warnings).toEqual([]);
    timers.advance(1);
    expect(warnings).toEqual([expect.stringMatching(/no answer for 15 s/)]);
    plane.answerStreams();
    timers.advance(25);
    expect(await link.ready(10_000)).toBe('Live');
  });

  it('asks to come later: no earlier connection is made', async () => {
    plane.answerStreams({ status: 503, headers: { 'retry-after': '20' } });
    const timers = new FakeTimers();
    const { link } = connect({ timers });
    await eventually(() => timers.waiting(20_050));
    plane.answerStreams();
    timers.advance(20_049);
    expect(plane.connections).toHaveLength(1);
    timers.advance(1);
    expect(await link.ready(10_000)).toBe('Live');
  });

  it('sends everybody away at once: the waits between connections grow nevertheless', async () => {
    const timers = new FakeTimers();
    const { link } = connect({ timers });
    for (const wait of [25, 50, 100]) {
      await eventually(() => link.state === 'Live');
      plane.goaway(0);
      await eventually(() => link.state === 'Stale');
      expect(timers.waiting(wait)).toBe(true);
      timers.advance(wait);
    }
    expect(warnings).toEqual([]);
  });

  it('needs a token that is missing: one warning, and the file is looked for again', async () => {
    const tokenFile = join(root, 'later');
    const { link } = connect({ tokenFile });
    await eventually(() => warnings.length === 1);
    expect(warnings[0]).toMatch(/the token cannot be read.*later/);
    writeFileSync(tokenFile, 'secret');
    expect(await link.ready(10_000)).toBe('Live');
    expect(warnings).toHaveLength(1);
  });

  it('falls silent: three heartbeats are missed and it is reconnected to', async () => {
    const timers = new FakeTimers();
    const { link } = connect({ timers });
    await link.ready(10_000);
    timers.advance(44_999);
    expect(link.state).toBe('Live');
    timers.advance(1);
    expect(link.state).toBe('Stale');
    expect(warnings).toEqual([expect.stringMatching(/silent for 45 s/)]);
    timers.advance(25);
    await eventually(() => link.state === 'Live');
  });

  it('accepts and never answers, or no server listens: calls continue', async () => {
    const mute = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1');
    await eventually(() => mute.listening);
    const { port } = mute.address() as { port: number };
    const cut = connect({ url: `http://127.0.0.1:${port}` });
    await eventually(() => warnings.length === 1);
    expect(await cut.breaker.execute(async () => 1)).toBe(1);
    await new Promise((resolve) => mute.close(resolve));
    await eventually(() => warnings.some((warning) => warning.includes('ECONNREFUSED')));
  });

  it('is waited for from the start again after a minute of health', async () => {
    const timers = new FakeTimers();
    plane.answerStreams({ status: 503 });
    const { link } = connect({ timers });
    for (const [i, wait] of [25, 50, 100, 200].entries()) {
      await plane.until((p) => p.connections.length === i + 1);
      await eventually(() => timers.waiting(wait));
      if (i === 3) plane.answerStreams();
      timers.advance(wait);
    }
    await link.ready(10_000);
    for (let s = 0; s < 6; s++) {
      timers.advance(10_000);
      plane.heartbeat();
      await eventually(() => timers.waiting(45_000));
    }
    plane.cut();
    await eventually(() => timers.waiting(25));
    expect(plane.connections).toHaveLength(5);
  });
});
