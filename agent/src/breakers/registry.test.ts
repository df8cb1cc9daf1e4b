import type { PolicySpec } from '@fuseboard/schema/types';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { compile } from '../core/config/config.ts';
import { ConfigError } from '../errors/errors.ts';
import { FakeClock } from '../testing/testing.ts';
import type { Breaker, TransitionEvent } from './breaker.ts';
import type { PolicySet, UsablePolicy } from './policy-set.ts';
import { Registry, registry } from './registry.ts';

const make = () => {
  const clock = new FakeClock();
  return { clock, registry: new Registry({ clock, timeouts: clock }) };
};

function policy(uid: string, spec: Partial<PolicySpec>): UsablePolicy {
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(compiled.message);
  const { config } = compiled;
  return { uid, generation: 1, name: uid, spec: { breakers: ['*'], ...spec }, text: JSON.stringify(spec), config };
}
const set = (routes: [string, string][], ...policies: UsablePolicy[]): PolicySet => ({
  revision: 'r',
  origin: 'stream',
  routes,
  policies: new Map(policies.map((each) => [each.uid, each])),
});
const after = (consecutiveFailures: number, more: Partial<PolicySpec> = {}) => ({
  trip: { consecutiveFailures },
  ...more,
});
const failTimes = (breaker: Breaker, times: number) => {
  for (let i = 0; i < times; i++) breaker.enter()?.fail();
};

let warn: jest.SpiedFunction<typeof process.emitWarning>;
beforeEach(() => {
  warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(() => {
  warn.mockRestore();
});

describe('getBreaker', () => {
  it('gives one breaker a name', () => {
    const { registry } = make();
    expect(registry.getBreaker('payments')).toBe(registry.getBreaker('payments'));
    expect(registry.getBreaker('other')).not.toBe(registry.getBreaker('payments'));
    expect([...registry.breakers()].map(({ name }) => name)).toEqual(['payments', 'other']);
  });

  it('lets calls pass and counts them where nothing governs', () => {
    const breaker = make().registry.getBreaker('payments');
    failTimes(breaker, 1_000);
    expect(breaker.stats()).toMatchObject({ state: 'closed', source: 'none', totals: { failed: 1_000 } });
    expect(breaker.stats().uid).toBeUndefined();
  });

  it('applies the defaults of code where no policy governs', () => {
    const breaker = make().registry.getBreaker('payments', { defaults: after(2) });
    failTimes(breaker, 2);
    expect(breaker.stats()).toMatchObject({ state: 'open', source: 'defaults' });
  });

  it.each(['', 'a b', '-a', 'a'.repeat(129), 'ü', undefined, 7, {}])('refuses the name %p', (name) => {
    const { registry } = make();
    expect(() => registry.getBreaker(name as string)).toThrow(ConfigError);
    expect(() => registry.getBreaker(name as string)).toThrow(/cannot name a breaker; use 1 to 128 letters/);
    expect([...registry.breakers()]).toEqual([]);
  });

  it('refuses defaults that cannot be used, names the field, and makes no breaker', () => {
    const { registry } = make();
    const defaults = { trip: { window: { type: 'Time', duration: '10 s' }, failureCount: 1 } } as const;
    expect(() => registry.getBreaker('payments', { defaults })).toThrow(
      'breaker "payments" cannot use its defaults: spec.trip.window.duration must be a duration',
    );
    expect([...registry.breakers()]).toEqual([]);
  });

  it('keeps the first defaults and warns once of others', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments', { defaults: after(2) });
    registry.getBreaker('payments');
    registry.getBreaker('payments', { defaults: { mode: 'Enforce', ...after(2) } });
    expect(warn).not.toHaveBeenCalled();
    registry.getBreaker('payments', { defaults: after(5) });
    registry.getBreaker('payments', { defaults: after(6) });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.stringContaining('"payments" was given other defaults'), {
      code: 'FUSEBOARD_DEFAULTS',
    });
    failTimes(breaker, 2);
    expect(breaker.state).toBe('open');
  });

  it('refuses other defaults later too when they cannot be used', () => {
    const { registry } = make();
    registry.getBreaker('payments');
    expect(() => registry.getBreaker('payments', { defaults: { trip: {} } })).toThrow(ConfigError);
  });

  it('takes defaults from whoever gives them first, though others asked before', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments');
    failTimes(breaker, 1);
    registry.getBreaker('payments', { defaults: after(2) });
    failTimes(breaker, 1);
    expect(breaker.stats()).toMatchObject({ state: 'open', source: 'defaults' });
  });

  it('neither keeps nor changes the object of defaults', () => {
    const { registry } = make();
    const defaults = Object.freeze({ trip: Object.freeze({ consecutiveFailures: 2 }) });
    registry.getBreaker('a', { defaults });
    const shared = { trip: { consecutiveFailures: 2 } };
    const breaker = registry.getBreaker('b', { defaults: shared });
    shared.trip.consecutiveFailures = 100;
    failTimes(breaker, 2);
    expect(breaker.state).toBe('open');
  });
});

describe('a set of policies', () => {
  it('governs breakers that exist and breakers to come', () => {
    const { registry } = make();
    const before = registry.getBreaker('payments');
    const applied = set(
      [
        ['payments', 'u1'],
        ['*', 'u2'],
      ],
      policy('u1', after(1)),
      policy('u2', after(3)),
    );
    registry.apply(applied);
    expect(registry.set).toBe(applied);
    expect(before.stats()).toMatchObject({ source: 'policy', uid: 'u1' });
    expect(registry.getBreaker('other').stats()).toMatchObject({ source: 'policy', uid: 'u2' });
  });

  it('leaves a name to the defaults of code when the first route has no usable policy', () => {
    const { registry } = make();
    registry.apply(
      set(
        [
          ['pay*', 'unusable'],
          ['*', 'u2'],
        ],
        policy('u2', after(3)),
      ),
    );
    expect(registry.getBreaker('payments').stats().source).toBe('none');
    expect(registry.getBreaker('payroll', { defaults: after(2) }).stats().source).toBe('defaults');
  });

  it('that goes leaves the state and gives the defaults of code their say', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments', { defaults: after(9) });
    registry.apply(set([['*', 'u1']], policy('u1', after(1))));
    failTimes(breaker, 1);
    registry.apply(undefined);
    expect(registry.set).toBeUndefined();
    expect(breaker.stats()).toMatchObject({ state: 'open', source: 'defaults' });
    expect(breaker.stats().uid).toBeUndefined();
  });

  it('keeps an open circuit open under an edit and under another policy', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments');
    const received = jest.fn();
    registry.apply(set([['*', 'u1']], policy('u1', after(1))));
    failTimes(breaker, 1);
    breaker.on('transition', received);
    registry.apply(set([['*', 'u1']], policy('u1', after(50))));
    registry.apply(set([['pay*', 'u2']], policy('u2', after(7))));
    expect(breaker.stats()).toMatchObject({ state: 'open', uid: 'u2' });
    expect(received).not.toHaveBeenCalled();
  });

  it('resets only when the text of the governing spec changes', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments');
    const first = after(1, { onUpdate: 'Reset' });
    registry.apply(set([['*', 'u1']], policy('u1', first)));
    failTimes(breaker, 1);
    registry.apply(set([['*', 'u1']], { ...policy('u1', first), generation: 2 }));
    registry.apply(
      set(
        [
          ['pay*', 'u1'],
          ['*', 'u2'],
        ],
        policy('u1', first),
        policy('u2', after(9)),
      ),
    );
    expect(breaker.state).toBe('open');
    registry.apply(set([['*', 'u1']], policy('u1', after(2, { onUpdate: 'Reset' }))));
    expect(breaker.state).toBe('closed');
  });

  it('takes effect in calls that are under way', async () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments');
    let fail!: (error: Error) => void;
    const call = breaker.execute(() => new Promise((_, reject) => (fail = reject))).catch(() => {});
    registry.apply(set([['*', 'u1']], policy('u1', after(1))));
    fail(new Error('down'));
    await call;
    expect(breaker.state).toBe('open');
  });
});

it('reads routes once, however often they are confirmed', () => {
  const { registry } = make();
  const first = set([['payments', 'u']], policy('u', after(3)));
  const entries = jest.spyOn(first.routes, 'entries');
  registry.apply(first);
  registry.apply({ ...first });
  expect(entries).toHaveBeenCalledTimes(1);
  registry.apply(set([['orders', 'u']], policy('u', after(3))));
  expect(registry.getBreaker('payments').source).toBe('none');
  expect(registry.getBreaker('orders').source).toBe('policy');
});

describe('listeners', () => {
  it('are notified of every breaker that is made and of every change of state, until they are taken off', () => {
    const { registry, clock } = make();
    const created: string[] = [];
    const changed: [string, TransitionEvent][] = [];
    const offCreate = registry.onCreate(({ name }) => created.push(name));
    const offTransition = registry.onTransition(({ name }, event) => changed.push([name, event]));
    const breaker = registry.getBreaker('payments', { defaults: after(1) });
    clock.advance(7);
    failTimes(breaker, 1);
    expect(changed).toEqual([['payments', { from: 'closed', to: 'open', at: 7, reason: 'consecutive-failures' }]]);
    offCreate();
    offTransition();
    clock.advance(30_000);
    expect(breaker.state).toBe('half-open');
    registry.getBreaker('other');
    expect(created).toEqual(['payments']);
    expect(changed).toHaveLength(1);
  });

  it('that throw affect neither callers nor other listeners', () => {
    const { registry } = make();
    const broken = () => {
      throw new Error('broken listener');
    };
    const unshowable = () => {
      throw {
        toString() {
          throw new Error('no');
        },
      };
    };
    const received = jest.fn();
    registry.onCreate(broken);
    registry.onTransition(broken);
    registry.onTransition(received);
    const breaker = registry.getBreaker('payments', { defaults: after(1) });
    breaker.on('transition', unshowable);
    breaker.on('transition', () => {
      throw 'text';
    });
    const off = breaker.on('transition', received);
    failTimes(breaker, 1);
    expect(received).toHaveBeenCalledTimes(2);
    expect(warn.mock.calls.map(([text]) => String(text).split('\n')[0])).toEqual([
      'a listener of breaker "payments" threw: Error: broken listener',
      'a listener of breaker "payments" threw: a value that cannot be shown',
      'a listener of breaker "payments" threw: text',
      'a listener of breaker "payments" threw: Error: broken listener',
    ]);
    off();
  });

  it('are refused for an event that there is not', () => {
    const breaker = make().registry.getBreaker('payments');
    expect(() => breaker.on('open' as 'transition', () => {})).toThrow('a breaker has no event "open"');
  });

  it('may use the breaker, and all of them hear everything in order', () => {
    const { registry } = make();
    const breaker = registry.getBreaker('payments', { defaults: after(1) });
    const [first, second]: [string[], string[]] = [[], []];
    breaker.on('transition', ({ to }) => {
      first.push(to);
      if (to === 'open') registry.apply(set([['*', 'u1']], policy('u1', after(5, { onUpdate: 'Reset' }))));
    });
    breaker.on('transition', ({ to }) => second.push(to));
    failTimes(breaker, 1);
    expect(breaker.state).toBe('closed');
    expect([first, second]).toEqual([
      ['open', 'closed'],
      ['open', 'closed'],
    ]);
  });
});

it('notifies of each set once, and of none when the guard changes or all breakers restart', () => {
  const { registry } = make();
  const applied: unknown[] = [];
  registry.onApply((each) => applied.push(each?.revision));
  registry.apply(set([]));
  registry.useGuard({ neverForceOpen: true });
  registry.startOver();
  registry.govern();
  expect(applied).toEqual(['r']);
});

describe('the registry of the process', () => {
  it('is one, found where other copies of the package find it', () => {
    expect(registry()).toBe(registry());
    expect((globalThis as Record<symbol, unknown>)[Symbol.for('fuseboard.agent/1')]).toBe(registry());
  });

  it('is used by a copy that comes later', () => {
    const key = Symbol.for('fuseboard.agent/1');
    const shared = globalThis as Record<symbol, unknown>;
    const before = shared[key];
    const foreign = { getBreaker: () => 'theirs' };
    shared[key] = foreign;
    expect(registry()).toBe(foreign);
    shared[key] = before;
  });
});
