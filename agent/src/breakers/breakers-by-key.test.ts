import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { compile } from '../core/config/config.ts';
import { FakeClock } from '../testing/testing.ts';
import type { TransitionEvent } from './breaker.ts';
import { Registry } from './registry.ts';

const down = new Error('down');
const fail = () => Promise.reject(down);
const made = (perKey: { maxKeys?: number; idleTimeout?: string } = {}) => {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const defaults = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '24h' }, perKey };
  const breaker = registry.getBreaker('hosts', { defaults });
  const listed = () => [...registry.reported(() => false)].map(({ key }) => key);
  return { clock, registry, breaker, listed };
};

describe('the circuits of keys', () => {
  it('open one by one, and not the breaker itself', async () => {
    const { breaker } = made();
    await expect(breaker.for('a').execute(fail)).rejects.toBe(down);
    expect([breaker.for('a').state, breaker.for('b').state, breaker.state]).toEqual(['open', 'closed', 'closed']);
    await expect(breaker.for('a').execute(async () => 1)).rejects.toMatchObject({
      code: 'ERR_FUSEBOARD_OPEN',
      breaker: 'hosts',
    });
    await expect(breaker.for('b').execute(async () => 1)).resolves.toBe(1);
    expect(breaker.for('b').executeSync(() => 2)).toBe(2);
    await expect(breaker.for('b').wrap(async (n: number) => n)(3)).resolves.toBe(3);
  });

  it('are counted in their breaker, which notifies of their transitions', async () => {
    const { breaker, registry } = made();
    const events: TransitionEvent[] = [];
    const seen: unknown[] = [];
    breaker.on('transition', (event) => events.push(event));
    registry.onTransition(({ name, key }, { to }) => seen.push([name, key, to]));
    await breaker
      .for('a')
      .execute(fail)
      .catch(() => {});
    breaker.enter()!.succeed();
    expect(breaker.stats().totals).toMatchObject({ succeeded: 1, failed: 1 });
    expect(breaker.for('a').stats().totals).toMatchObject({ succeeded: 0, failed: 1 });
    expect(breaker.stats().latency[0]).toBe(2);
    const lastError = { name: 'Error', message: 'down' };
    expect(events).toEqual([
      { from: 'closed', to: 'open', at: 0, reason: 'consecutive-failures', lastError, key: 'a' },
    ]);
    expect(seen).toEqual([['hosts', 'a', 'open']]);
  });

  it('have one handle each that continues when the circuit has left', async () => {
    const { breaker, clock, listed } = made({ idleTimeout: '1m' });
    const a = breaker.for('a');
    expect([a.name, a.key, a.for('b').key]).toEqual(['hosts', 'a', 'b']);
    a.enter()!.succeed();
    clock.advance(60_000);
    expect(listed()).toEqual([undefined]);
    expect(breaker.stats()).toMatchObject({ totals: { succeeded: 1 } });
    a.enter()!.succeed();
    expect(listed()).toEqual([undefined, 'a']);
    expect(a.stats().totals.succeeded).toBe(1);
    expect(breaker.stats()).toMatchObject({ totals: { succeeded: 2 } });
    expect(breaker.stats().latency[0]).toBe(2);
  });

  it('stay while they are open, used, under way or listened to', () => {
    const { breaker, clock, listed } = made({ idleTimeout: '1m' });
    breaker.for('open').enter()!.fail();
    const permit = breaker.for('under way').enter()!;
    const off = breaker.for('listened to').on('transition', () => {});
    breaker.for('used').enter()!.succeed();
    breaker.for('idle').enter()!.succeed();
    clock.advance(40_000);
    breaker.for('used').enter()!.succeed();
    clock.advance(40_000);
    expect(listed().sort()).toEqual(['listened to', 'open', 'under way', 'used', undefined]);
    permit.succeed();
    off();
    clock.advance(60_000);
    expect(listed()).toEqual([undefined, 'open']);
  });

  it('are shared by all keys that find no room, so that a flood of keys evicts no outage', async () => {
    const { breaker, clock } = made({ maxKeys: 2, idleTimeout: '1m' });
    for (const key of ['a', 'b'])
      await breaker
        .for(key)
        .execute(fail)
        .catch(() => {});
    clock.advance(3_600_000);
    for (let i = 0; i < 100; i++) breaker.for(`flood ${i}`).enter()!.succeed();
    expect([breaker.for('a').state, breaker.for('b').state]).toEqual(['open', 'open']);
    await breaker
      .for('flood 1')
      .execute(fail)
      .catch(() => {});
    expect(breaker.for('flood 2').state).toBe('open');
    expect(breaker.stats().totals).toMatchObject({ failed: 3, succeeded: 100 });
  });

  it('make room for new keys when they are idle', () => {
    const { breaker, clock } = made({ maxKeys: 1, idleTimeout: '1m' });
    breaker.for('a').enter()!.succeed();
    breaker.for('b').enter()!.fail();
    expect(breaker.for('c').state).toBe('open');
    clock.advance(60_000);
    expect(breaker.for('c').state).toBe('closed');
  });

  it('are shared by keys that are too long, and refused for what is no key', () => {
    const { breaker } = made();
    breaker.for('x'.repeat(257)).enter()!.fail();
    expect(breaker.for('y'.repeat(300)).state).toBe('open');
    expect(breaker.for('x'.repeat(256)).state).toBe('closed');
    expect(() => breaker.for(undefined as unknown as string)).toThrow(/must be a string, got undefined/);
  });

  it('follow the policy', () => {
    const { breaker, registry } = made();
    const a = breaker.for('a');
    a.enter()!.fail();
    const spec = { breakers: ['hosts'], mode: 'Shadow' as const };
    const compiled = compile(spec);
    if (!compiled.ok) throw new Error(compiled.message);
    const policy = { uid: 'u', generation: 2, name: 'p', spec, text: JSON.stringify(spec), config: compiled.config };
    registry.apply({ revision: 'r', origin: 'stream', routes: [['hosts', 'u']], policies: new Map([['u', policy]]) });
    expect(a.stats()).toMatchObject({ mode: 'Shadow', state: 'open', uid: 'u' });
    expect([a.policy?.name, breaker.for('b').stats().mode]).toEqual(['p', 'Shadow']);
  });

  it('are reported when they are not closed, and the twenty busiest of the others', () => {
    const { breaker, listed, registry } = made();
    for (let i = 0; i < 50; i++) for (let n = 0; n <= i; n++) breaker.for(`k${i}`).enter()!.succeed();
    breaker.for('k0').enter()!.fail();
    const busiest = Array.from({ length: 20 }, (_, i) => `k${49 - i}`);
    expect(listed()).toEqual([undefined, 'k0', ...busiest]);
    const reported = [...registry.reported((_, key) => key === 'k1')].map(({ key }) => key);
    expect(reported).toContain('k1');
  });
});

describe('classify in code', () => {
  let warn: jest.SpiedFunction<typeof process.emitWarning>;
  beforeEach(() => {
    warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });
  afterEach(() => {
    warn.mockRestore();
  });

  const options = (classify: unknown) => ({
    defaults: { trip: { consecutiveFailures: 9 } },
    classify: classify as () => undefined,
  });
  const calls = async (classify: unknown) => {
    const clock = new FakeClock();
    const breaker = new Registry({ clock, timeouts: clock }).getBreaker('a', options(classify));
    await breaker.execute(fail).catch(() => {});
    await breaker.execute(async () => 'empty');
    breaker.for('key').enter()!.fail(down);
    return breaker.stats().totals;
  };

  it('wins over the policy, for keys too', async () => {
    const judge = (outcome: { error?: unknown; result?: unknown }) =>
      'error' in outcome ? 'ignored' : outcome.result === 'empty' ? 'failure' : undefined;
    expect(await calls(judge)).toMatchObject({ succeeded: 0, failed: 1, ignored: 2 });
  });

  it('leaves to the policy what it does not judge', async () => {
    expect(await calls(() => undefined)).toMatchObject({ succeeded: 1, failed: 2, ignored: 0 });
    expect(await calls(() => 'maybe')).toMatchObject({ succeeded: 1, failed: 2, ignored: 0 });
  });

  it('that throws breaks no call', async () => {
    const throws = () => {
      throw new Error('oops');
    };
    expect(await calls(throws)).toMatchObject({ succeeded: 1, failed: 2, ignored: 0 });
    expect(warn.mock.calls).toEqual([
      [expect.stringContaining('classify of breaker "a" threw'), { code: 'FUSEBOARD_CLASSIFY' }],
    ]);
  });

  it('that is not a function is refused', () => {
    const clock = new FakeClock();
    const registry = new Registry({ clock, timeouts: clock });
    expect(() => registry.getBreaker('a', options('always'))).toThrow(/classify of breaker "a" must be a function/);
  });

  it('given first stays', async () => {
    const clock = new FakeClock();
    const registry = new Registry({ clock, timeouts: clock });
    registry.getBreaker('a', { classify: () => 'ignored' });
    await registry
      .getBreaker('a', { classify: () => 'success' })
      .execute(fail)
      .catch(() => {});
    expect(registry.getBreaker('a').stats().totals).toMatchObject({ ignored: 1, succeeded: 0 });
    expect(warn).toHaveBeenCalledTimes(1);
  });
});
