import { Writable } from 'node:stream';
import { expect, it } from '@jest/globals';
import { pino } from 'pino';
import { getBreaker, start } from '../index.ts';
import { FakeControlPlane } from '../testing/testing.ts';
import { logTransitions, warnInto } from './logger.ts';

function logger() {
  const lines: Record<string, unknown>[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { lines, log: pino({ base: null, timestamp: false }, stream) };
}

it('writes one line for each change of state, a warning when a circuit opens', () => {
  const { lines, log } = logger();
  const off = logTransitions(log);
  const breaker = getBreaker('logged', {
    defaults: { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1ms' } },
  });
  breaker.enter()!.fail();
  while (breaker.state === 'open');
  breaker.enter()!.succeed();
  off();
  breaker.enter()!.fail();
  const common = { breaker: 'logged' };
  expect(lines).toEqual([
    {
      ...common,
      level: 40,
      from: 'closed',
      to: 'open',
      reason: 'consecutive-failures',
      msg: 'breaker "logged" went from closed to open: consecutive-failures',
    },
    expect.objectContaining({ ...common, level: 30, from: 'open', to: 'half-open', reason: 'open-duration-over' }),
    expect.objectContaining({ ...common, level: 30, from: 'half-open', to: 'closed', reason: 'probe-succeeded' }),
  ]);
});

it('names the policy that governs', async () => {
  const { lines, log } = logger();
  const off = logTransitions(log);
  const plane = await FakeControlPlane.start();
  plane.push([{ name: 'shop-policy', spec: { breakers: ['governed'], trip: { consecutiveFailures: 1 } } }]);
  const agent = start({ url: plane.url, service: 'shop' });
  await agent.ready();
  getBreaker('governed').enter()!.fail();
  off();
  await agent.stop();
  await plane.stop();
  const about = lines.filter(({ breaker }) => breaker === 'governed');
  expect(about).toEqual([expect.objectContaining({ policy: 'shop-policy', generation: 1 })]);
});

it('writes no control characters of a policy or a dependency', async () => {
  const { lines, log } = logger();
  const off = logTransitions(log);
  const plane = await FakeControlPlane.start();
  plane.push([{ name: 'a\u001b[2J', spec: { breakers: ['steered'], trip: { consecutiveFailures: 1 } } }]);
  const agent = start({ url: plane.url, service: 'shop' });
  await agent.ready();
  await expect(getBreaker('steered').execute(() => Promise.reject(new Error('b\u001b[2J')))).rejects.toThrow();
  off();
  await agent.stop();
  await plane.stop();
  expect(lines.find(({ breaker }) => breaker === 'steered')).toMatchObject({
    policy: 'a\\u{1b}[2J',
    lastError: { name: 'Error', message: 'b\\u{1b}[2J' },
  });
});

it('takes the warnings of the link', async () => {
  const { lines, log } = logger();
  const agent = start({ url: 'not an address', warn: warnInto(log) });
  await agent.stop();
  expect(lines).toEqual([
    expect.objectContaining({ level: 40, component: 'fuseboard', msg: expect.stringContaining('not an address') }),
  ]);
});
