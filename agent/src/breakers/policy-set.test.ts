import type { PolicySpec } from '@fuseboard/schema/types';
import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../test/config-of.ts';
import type { Guard } from '../core/config/guard.ts';
import { FakeClock } from '../testing/testing.ts';
import type { Override } from './overrides.ts';
import type { PolicySet } from './policy-set.ts';
import { Registry } from './registry.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

function make(guard: Guard, policy: Partial<PolicySpec> = {}) {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  registry.useGuard(guard);
  const spec = { breakers: ['*'], trip: { consecutiveFailures: 1 }, ...policy };
  const usable = { uid: 'u', generation: 1, name: 'first', spec, text: JSON.stringify(spec), config: configOf(spec) };
  const set: PolicySet = { revision: 'r', origin: 'stream', routes: [['*', 'u']], policies: new Map([['u', usable]]) };
  const apply = (...overrides: Override[]) => registry.apply({ ...set, overrides });
  const breaker = registry.getBreaker('a');
  /** The states at these times, while the set is applied again at each of them. */
  const statesAt = (times: readonly number[], ...overrides: Override[]) =>
    times.map((at) => {
      clock.advance(at - clock.now());
      apply(...overrides);
      return breaker.state;
    });
  return { clock, registry, set, apply, breaker, statesAt };
}

/** An override that ends an hour after its creation. */
const forceOpen = (over: Partial<Override> = {}): Override => ({
  ...{ uid: 'o', name: 'stop', breakers: ['*'], action: 'ForceOpen', reason: 'drill' },
  ...{ createdAt: 0, expiresAt: HOUR, endsAt: HOUR },
  ...over,
});

describe('without a guard', () => {
  it('a set applies as it is', () => {
    const { registry, apply, breaker } = make({}, { recovery: { openDuration: '24h', maxOpenDuration: '24h' } });
    apply(forceOpen());
    expect([breaker.state, registry.guarded, breaker.stats().guardedBy]).toEqual(['open', [], undefined]);
  });
});

describe('a guard', () => {
  it('holds for policies, and says so at their breakers', () => {
    const { registry, apply, breaker, clock } = make(
      { maxOpenDuration: '1m', minTimeout: '200ms' },
      { recovery: { openDuration: '1h', maxOpenDuration: '1h' }, timeout: { duration: '5ms' } },
    );
    apply();
    expect(registry.guarded).toEqual([
      { uid: 'u', by: 'maxOpenDuration', name: 'first', limit: '1m' },
      { uid: 'u', by: 'minTimeout', name: 'first', limit: '200ms' },
    ]);
    expect(breaker.stats().guardedBy).toEqual(['maxOpenDuration', 'minTimeout']);
    expect(breaker.policy?.spec.timeout).toEqual({ duration: '5ms' });
    breaker.enter()!.fail();
    clock.advance(MINUTE - 1);
    expect(breaker.state).toBe('open');
    clock.advance(1);
    expect(breaker.state).toBe('half-open');
  });

  it('ends a call no sooner than it says', async () => {
    const { apply, breaker, clock } = make({ minTimeout: '200ms' }, { timeout: { duration: '5ms' } });
    apply();
    let ended: unknown;
    const call = breaker
      .execute(() => new Promise(() => {}))
      .catch((error: { code?: string }) => {
        ended = error.code;
      });
    clock.advance(199);
    await Promise.resolve();
    expect(ended).toBeUndefined();
    clock.advance(1);
    await call;
    expect(ended).toBe('ERR_FUSEBOARD_TIMEOUT');
  });

  it('lets an override hold a circuit open for no longer, however often it is sent', () => {
    const { registry, breaker, apply, statesAt } = make({ maxOpenDuration: '1m' });
    expect(statesAt([0, MINUTE - 1, MINUTE, 2 * MINUTE], forceOpen())).toEqual([
      ...['open', 'open', 'half-open', 'half-open'],
    ]);
    expect(registry.guarded).toMatchObject([{ uid: 'o', by: 'maxOpenDuration', limit: '1m' }]);
    expect(breaker.stats().guardedBy).toEqual(['maxOpenDuration']);
    apply();
    expect([registry.guarded, breaker.stats().guardedBy]).toEqual([[], undefined]);
  });

  it.each([
    ['half a minute ago', { createdAt: -30_000, expiresAt: HOUR }, 30_000],
    ['in the future, as a control plane may lie', { createdAt: HOUR - 1, expiresAt: HOUR }, MINUTE],
  ])('counts an override that was created %s from then or from now', (_, times, until) => {
    const { statesAt } = make({ maxOpenDuration: '1m' });
    expect(statesAt([0, until - 1, until], forceOpen(times))).toEqual(['open', 'open', 'half-open']);
  });

  it('leaves an override alone that is short enough, or holds nothing open', () => {
    const { registry, breaker, apply } = make({ maxOpenDuration: '1m' });
    apply(
      forceOpen({ endsAt: MINUTE, expiresAt: MINUTE }),
      forceOpen({ uid: 'c', action: 'ForceClosed', createdAt: 1 }),
    );
    expect(registry.guarded).toEqual([]);
    expect(breaker.stats().forced?.override?.uid).toBe('c');
  });

  it('lets no override open a circuit where the code refuses that, and the code still may', () => {
    const { registry, breaker, apply } = make({ neverForceOpen: true });
    apply(forceOpen({ breakers: ['a*'], createdAt: 1 }), forceOpen({ uid: 'c', action: 'ForceClosed' }));
    expect(breaker.stats()).toMatchObject({ forced: { override: { uid: 'c' } }, guardedBy: ['neverForceOpen'] });
    expect(registry.guarded).toEqual([{ uid: 'o', by: 'neverForceOpen', name: 'stop', breakers: ['a*'] }]);
    expect(registry.getBreaker('b').stats().guardedBy).toBeUndefined();
    apply();
    breaker.forceOpen({ for: '1s', reason: 'the code says so' });
    expect(breaker.state).toBe('open');
  });

  it('limits what is already in force, and gives it back when it is lifted', () => {
    const { registry, breaker, apply } = make({});
    apply(forceOpen());
    registry.useGuard({ neverForceOpen: true });
    expect(breaker.stats().forced).toBeUndefined();
    registry.useGuard({});
    expect(breaker.state).toBe('open');
  });

  it('leaves the defaults of the code alone', () => {
    const { registry, clock } = make({ maxOpenDuration: '1m' });
    const defaults = { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '5m', maxOpenDuration: '5m' } };
    const own = registry.getBreaker('own', { defaults });
    own.enter()!.fail();
    clock.advance(2 * MINUTE);
    expect(own.state).toBe('open');
  });
});
