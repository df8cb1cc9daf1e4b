import { describe, expect, it } from '@jest/globals';
import { ConfigError } from '../errors/errors.ts';
import { createBreaker, FakeClock } from '../testing/testing.ts';

describe('a forced breaker', () => {
  it.each([
    [{ for: '10 minutes', reason: 'maintenance' }, /forceOpen; give for: a duration such as 10m/],
    [{ for: '25h', reason: 'maintenance' }, /from 1ms to 24h/],
    [{ for: '10m', reason: '' }, /give reason: 1 to 256 characters/],
    [{ for: '10m', reason: 'x'.repeat(257) }, /give reason/],
    [{ for: '10m' } as { for: string; reason: string }, /give reason/],
  ])('refuses %j and stays as it is', (options, message) => {
    const breaker = createBreaker({});
    expect(() => breaker.forceOpen(options)).toThrow(ConfigError);
    expect(() => breaker.forceOpen(options)).toThrow(message);
    expect(() => breaker.forceClosed(options)).toThrow(/cannot forceClosed/);
    expect(breaker.stats()).not.toHaveProperty('forced');
  });

  it('says in its rejections how long it is held open', async () => {
    const clock = new FakeClock();
    const breaker = createBreaker({}, { clock, name: 'payments' });
    breaker.forceOpen({ for: '10m', reason: 'maintenance' });
    await expect(breaker.execute(async () => 5)).rejects.toThrow('breaker "payments" is open; retry in 600.0 s');
    clock.advance(600_000);
    await expect(breaker.execute(async () => 5)).resolves.toBe(5);
    expect(breaker.state).toBe('closed');
  });

  it('makes an open circuit half-open at once with 0ms, and a closed one too', () => {
    const clock = new FakeClock();
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 } }, { clock });
    breaker.enter()!.fail();
    const states: string[] = [];
    breaker.on('transition', ({ to }) => states.push(to));
    breaker.forceOpen({ for: '0ms', reason: 'the dependency is back' });
    expect(states).toEqual(['half-open']);
    expect(breaker.state).toBe('half-open');
    expect(breaker.stats()).not.toHaveProperty('forced');
    breaker.enter()!.succeed();
    expect(breaker.state).toBe('closed');
    breaker.forceOpen({ for: '0ms', reason: 'test the dependency' });
    expect(states).toEqual(['half-open', 'closed', 'open', 'half-open']);
    expect(breaker.state).toBe('half-open');
    expect(() => breaker.forceClosed({ for: '0ms', reason: 'no time' })).toThrow(ConfigError);
  });

  it('names the author to its listeners, and adds nothing for others', () => {
    const breaker = createBreaker({ trip: { consecutiveFailures: 1 } }, { clock: new FakeClock() });
    const received: unknown[] = [];
    breaker.on('transition', ({ reason, detail }) => received.push([reason, detail]));
    breaker.forceOpen({ for: '1m', reason: 'the partner asked us to stop' });
    breaker.reset();
    breaker.enter()!.fail();
    expect(received).toEqual([
      ['forced-open', 'the partner asked us to stop'],
      ['manual-reset', undefined],
      ['consecutive-failures', undefined],
    ]);
  });
});
