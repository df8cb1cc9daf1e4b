import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Registry } from '../src/breakers/registry.ts';
import { Ledger } from '../src/link/ledger.ts';
import { Link } from '../src/link/link.ts';
import { readSettings } from '../src/link/settings/settings.ts';
import { systemTimers, type Timers } from '../src/link/timers.ts';
import { FakeClock } from '../src/testing/testing.ts';
import { eventually } from './eventually.ts';
import { FakeTimers } from './fake-timers.ts';
import { event, RawOperator, STREAM_HEAD } from './raw-operator.ts';

const EVIL = 'x\u001b]0;owned\u0007\u001b[2J\r\nfake line\u009b31m\u202e';
const hello = (heartbeatMs = 15_000) => event('hello', { protocol: 1, heartbeatMs });
const begin = (revision: string) => event('begin', { kind: 'snapshot', revision, now: 1 });
const payments = (name = 'payments') =>
  event('policy', { uid: 'u', generation: 1, name, spec: { breakers: ['*'], trip: { consecutiveFailures: 3 } } });
const set = (revision: string, routes: unknown = [['*', 'u']]) =>
  begin(revision) + payments() + event('routes', routes) + event('commit', { revision });

let operator: RawOperator;
let link: Link;
let warnings: string[];

function connect(timers: Timers = systemTimers): Registry {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const settings = readSettings({ url: operator.url, service: 'checkout' }, {});
  const warn = (message: string) => warnings.push(message);
  link = new Link({
    settings,
    registry,
    holder: { ledger: new Ledger('b'.repeat(32)) },
    warn,
    timers,
    random: () => 0,
  });
  void link.start();
  return registry;
}

beforeEach(async () => {
  warnings = [];
  operator = await RawOperator.start();
});
afterEach(async () => {
  link.hangUp();
  await operator.stop();
});

describe('an operator that sends without end', () => {
  it('lets the process do other work between its events, even if they are in one packet', async () => {
    let reads = 0;
    const registry = connect({ ...systemTimers, now: () => reads++ });
    let inTurn = 0;
    let most = 0;
    let all = 0;
    registry.onApply(() => {
      all += 1;
      inTurn += 1;
      most = Math.max(most, inTurn);
      setImmediate(() => {
        inTurn = 0;
      });
    });
    const socket = await operator.stream();
    socket.write(STREAM_HEAD + hello() + set('r1') + event('insync', { revision: 'r1', now: 1 }).repeat(300));
    await eventually(() => all === 301);
    expect(most).toBeLessThan(10);
  });

  it('cannot make it read more routes than an agent takes', async () => {
    const registry = connect();
    const socket = await operator.stream();
    socket.write(STREAM_HEAD + hello() + set('r1'));
    await eventually(() => link.state === 'Live');
    const routes = `[${'["a","u"],'.repeat(300_000)}["a","u"]]`;
    socket.write(set('r2', routes) + set('r3', routes));
    await eventually(() => warnings.length > 0);
    const applied: (string | undefined)[] = [];
    registry.onApply((each) => applied.push(each?.revision));
    socket.write(event('insync', { revision: 'r1', now: 1 }));
    await eventually(() => applied.length > 0);
    expect(applied).toEqual(['r1']);
    expect(warnings).toEqual([expect.stringContaining('more than 20000 routes for one process')]);
    expect(registry.getBreaker('payments').policy?.uid).toBe('u');
    expect(socket.destroyed).toBe(false);
  });

  it.each(['100 Continue', '103 Early Hints'])(
    'loses its stream when it answers %s again and again',
    async (status) => {
      connect();
      const socket = await operator.stream();
      socket.write(`HTTP/1.1 ${status}\r\n\r\n`.repeat(20));
      socket.write(STREAM_HEAD + hello() + set('r1'));
      await eventually(() => link.state === 'Live');
      socket.destroy();
      const next = await operator.stream();
      next.write(`HTTP/1.1 ${status}\r\n\r\n`.repeat(21));
      await eventually(() => next.destroyed);
      expect(warnings).toContainEqual(expect.stringContaining('provisional answers'));
    },
  );

  it.each(['100 Continue', '103 Early Hints'])(
    'loses the connection of a report that it answers %s again and again',
    async (status) => {
      // The clock stands still, so that no deadline ends the exchange.
      const timers = new FakeTimers();
      connect(timers);
      const stream = await operator.stream();
      stream.write(STREAM_HEAD + hello() + set('r1'));
      await eventually(() => link.state === 'Live');
      timers.advance(500);
      const report = await operator.report();
      report.write(`HTTP/1.1 ${status}\r\n\r\n`.repeat(21));
      await eventually(() => report.destroyed);
      expect(stream.destroyed).toBe(false);
    },
  );
});

describe('an operator that sends a byte at a time', () => {
  function drip(socket: Socket, text: string): () => void {
    const timer = setInterval(() => socket.write(text), 20);
    return () => clearInterval(timer);
  }

  it('loses a stream whose bytes complete no event', async () => {
    connect();
    const socket = await operator.stream();
    socket.write(STREAM_HEAD + hello(100));
    const end = drip(socket, ':\n');
    await eventually(() => socket.destroyed);
    end();
    expect(warnings).toEqual([expect.stringContaining('it is silent for 0.3 s')]);
  });

  it('loses a stream whose head is not complete in time', async () => {
    const timers = new FakeTimers();
    connect(timers);
    const socket = await operator.stream();
    socket.write('HTTP/1.1 200 OK\r\nx: ');
    const end = drip(socket, 'x');
    timers.advance(15_000);
    await eventually(() => socket.destroyed);
    end();
    expect(warnings).toEqual([expect.stringContaining('no answer for 15 s')]);
  });

  it.each(['HTTP/1.1 200 OK\r\nx: ', 'HTTP/1.1 200 OK\r\ncontent-length: 60000\r\n\r\n'])(
    'loses the connection of a report that is not answered in time',
    async (head) => {
      const timers = new FakeTimers();
      connect(timers);
      const stream = await operator.stream();
      stream.write(STREAM_HEAD + hello() + set('r1'));
      await eventually(() => link.state === 'Live');
      timers.advance(500);
      const report = await operator.report();
      report.write(head);
      const end = drip(report, 'x');
      timers.advance(8_000);
      await eventually(() => report.destroyed);
      end();
      expect(stream.destroyed).toBe(false);
    },
  );
});

describe('text of an operator', () => {
  it('adds no line to a log and controls no terminal', async () => {
    connect();
    const socket = await operator.stream();
    const broken = { uid: EVIL, generation: 1, name: EVIL, spec: { breakers: ['*'], trip: { [EVIL]: 1 }, mode: EVIL } };
    socket.write(STREAM_HEAD + hello() + begin('r1') + event('policy', broken) + event('commit', { revision: 'r1' }));
    await eventually(() => warnings.length > 0);
    socket.destroy();
    const next = await operator.stream();
    next.write(`HTTP/1.1 200 OK\r\ncontent-type: text/\u009b31m\r\n\r\n`, 'latin1');
    await eventually(() => warnings.length > 2);
    expect(warnings.join('')).toContain('\\u{1b}');
    expect(warnings.join('')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});
