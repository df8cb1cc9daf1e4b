import type { PolicySpec } from '@fuseboard/schema/types';
import { describe, expect, it } from '@jest/globals';
import { compile } from '../core/config/config.ts';
import { FakeClock } from '../testing/testing.ts';
import type { Breaker, TransitionEvent } from './breaker.ts';
import type { Override } from './overrides.ts';
import type { PolicySet } from './policy-set.ts';
import { Registry } from './registry.ts';

function make(spec: Partial<PolicySpec> = { trip: { consecutiveFailures: 2 } }) {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(compiled.message);
  const whole = { breakers: ['*'], ...spec };
  const policy = {
    uid: 'p',
    generation: 1,
    name: 'p',
    spec: whole,
    text: JSON.stringify(spec),
    config: compiled.config,
  };
  const set: PolicySet = { revision: 'r', origin: 'stream', routes: [['*', 'p']], policies: new Map([['p', policy]]) };
  const apply = (...overrides: Override[]) => registry.apply({ ...set, overrides });
  apply();
  return { clock, registry, apply, payments: registry.getBreaker('payments') };
}

const override = (uid: string, over: Partial<Override> = {}): Override => ({
  uid,
  name: `name-${uid}`,
  breakers: ['payments'],
  action: 'ForceOpen',
  reason: 'the partner asked',
  createdAt: 0,
  expiresAt: 60_000,
  endsAt: 60_000,
  ...over,
});
const fail = (breaker: Breaker, times: number) => {
  for (let i = 0; i < times; i++) breaker.enter()?.fail();
};

describe('an override', () => {
  it('outranks the policy, says why, and ends by itself', () => {
    const { clock, apply, payments } = make();
    const received: TransitionEvent[] = [];
    payments.on('transition', (event) => received.push(event));
    apply(override('a'));
    expect(payments.enter()).toBeNull();
    expect(payments.stats().forced).toEqual({
      state: 'open',
      reason: 'the partner asked',
      endsInMs: 60_000,
      override: { uid: 'a', name: 'name-a' },
    });
    clock.advance(59_999);
    expect(payments.state).toBe('open');
    clock.advance(1);
    expect(payments.state).toBe('half-open');
    expect(received).toMatchObject([
      { to: 'open', at: 0, reason: 'forced-open', detail: 'override "name-a": the partner asked' },
      { to: 'half-open', at: 60_000, reason: 'force-over' },
    ]);
    apply(override('a'));
    expect(payments.state).toBe('half-open');
  });

  it('ends at once when it is taken away', () => {
    const { apply, payments } = make();
    apply(override('a'));
    apply();
    expect(payments.state).toBe('half-open');
  });

  it('that forces closed records and does not judge', () => {
    const { clock, apply, payments } = make();
    fail(payments, 2);
    apply(override('a', { action: 'ForceClosed' }));
    fail(payments, 9);
    expect(payments.stats()).toMatchObject({ state: 'closed', consecutiveFailures: 9 });
    clock.advance(60_000);
    fail(payments, 1);
    expect(payments.state).toBe('open');
  });

  it.each(['Shadow', 'Disabled'] as const)('holds in %s too', (mode) => {
    const { apply, payments } = make({ mode, trip: { consecutiveFailures: 2 } });
    apply(override('a'));
    expect(payments.enter()).toBeNull();
    apply();
    expect(payments.state).toBe(mode === 'Disabled' ? 'closed' : 'half-open');
  });

  it('holds breakers that are made later, by name or prefix, and no others', () => {
    const { registry, apply } = make();
    apply(override('a', { breakers: ['partner-*', 'stock'] }));
    expect(registry.getBreaker('partner-x').state).toBe('open');
    expect(registry.getBreaker('stock').state).toBe('open');
    expect(registry.getBreaker('stocks').state).toBe('closed');
  });

  it('holds every key, also those that come later', () => {
    const { clock, apply, payments } = make();
    const early = payments.for('early');
    early.enter()?.succeed();
    apply(override('a'));
    expect([early.state, payments.for('late').state]).toEqual(['open', 'open']);
    clock.advance(60_000);
    expect(payments.for('after').state).toBe('closed');
  });

  it('of several is the newest, and the one before it holds again when that ends', () => {
    const { clock, apply, payments } = make();
    const older = override('old', { createdAt: 1_000 });
    const newer = override('new', { createdAt: 2_000, action: 'ForceClosed', endsAt: 10_000 });
    apply(newer, older);
    expect(payments.state).toBe('closed');
    clock.advance(10_000);
    apply(newer, older);
    expect(payments.stats().forced).toMatchObject({ state: 'open', endsInMs: 50_000, override: { uid: 'old' } });
  });

  it('of the same moment is the one whose name sorts last', () => {
    const { apply, payments } = make();
    apply(override('b', { action: 'ForceClosed' }), override('a'));
    expect(payments.stats().forced?.override?.uid).toBe('b');
  });

  it('takes another end for the same override when replicas disagree', () => {
    const { apply, payments } = make();
    apply(override('a'));
    apply(override('a', { endsAt: 60_500 }));
    expect(payments.stats().forced?.endsInMs).toBe(60_000);
    apply(override('a', { endsAt: 30_000 }));
    expect(payments.stats().forced?.endsInMs).toBe(30_000);
  });

  it('outranks forceOpen, forceClosed and reset in code', () => {
    const { apply, payments } = make();
    payments.forceClosed({ for: '1h', reason: 'trying' });
    apply(override('a'));
    expect(payments.state).toBe('open');
    payments.forceClosed({ for: '1h', reason: 'trying' });
    payments.reset();
    payments.forceOpen({ for: '1h', reason: 'longer' });
    expect(payments.stats().forced).toMatchObject({ state: 'open', endsInMs: 60_000, override: { uid: 'a' } });
    apply();
    expect(payments.stats().forced).toBeUndefined();
    payments.forceOpen({ for: '1h', reason: 'longer' });
    apply();
    expect(payments.stats().forced).toMatchObject({ endsInMs: 3_600_000 });
  });

  it('stays over edits of the policy, also those that reset', () => {
    const { registry, apply, payments } = make();
    apply(override('a'));
    const compiled = compile({ onUpdate: 'Reset', trip: { consecutiveFailures: 9 } });
    if (!compiled.ok) throw new Error(compiled.message);
    const spec = { breakers: ['*'] };
    const policy = { uid: 'p', generation: 2, name: 'p', spec, text: 'other', config: compiled.config };
    registry.apply({ ...registry.set!, policies: new Map([['p', policy]]) });
    expect(payments.stats().forced?.override?.uid).toBe('a');
  });
});

describe('a reset', () => {
  it('closes the circuit and its keys once, and not again while it is sent', () => {
    const { apply, payments } = make();
    const key = payments.for('key');
    fail(payments, 2);
    fail(key, 2);
    const reset = override('r', { action: 'Reset' });
    const received: TransitionEvent[] = [];
    payments.on('transition', (event) => received.push(event));
    apply(reset);
    expect([payments.state, key.state]).toEqual(['closed', 'closed']);
    expect(received[0]).toMatchObject({ reason: 'manual-reset', detail: 'override "name-r": the partner asked' });
    fail(payments, 2);
    apply(reset);
    expect(payments.state).toBe('open');
    apply();
    apply(override('r2', { action: 'Reset' }));
    expect(payments.state).toBe('closed');
  });

  it('leaves alone what another override holds', () => {
    const { apply, payments } = make();
    apply(override('a'), override('r', { action: 'Reset', createdAt: 9 }));
    expect(payments.state).toBe('open');
  });

  it('that comes after its end does nothing', () => {
    const { clock, apply, payments } = make();
    fail(payments, 2);
    clock.advance(60_000);
    fail(payments, 1);
    const before = payments.state;
    apply(override('r', { action: 'Reset' }));
    expect(payments.state).toBe(before);
  });
});
