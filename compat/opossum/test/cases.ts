import { EventEmitter } from 'node:events';
import type CircuitBreaker from '../types/index.cjs';

type Class = typeof CircuitBreaker;
// biome-ignore lint/suspicious/noExplicitAny: what is passed through a breaker differs from case to case.
type Breaker = CircuitBreaker<any[], any>;

/** What a case is run with: the class of one of the packages, and time. */
interface Bench {
  readonly CircuitBreaker: Class;
  /** Makes a breaker that is shut down after the case. */
  make(action: unknown, options?: CircuitBreaker.Options): Breaker;
  /** Lets fake time pass. */
  pass(ms: number): Promise<void>;
}

/** Gives back what was observed, as plain data. */
export type Case = (bench: Bench) => unknown;

const EVENTS = [
  'fire',
  'reject',
  'timeout',
  'success',
  'failure',
  'open',
  'close',
  'halfOpen',
  'fallback',
  'semaphoreLocked',
  'healthCheckFailed',
  'shutdown',
  'cacheHit',
  'cacheMiss',
  'coalesceCacheHit',
  'coalesceCacheMiss',
];

/** What a breaker emits from now on, each event with what comes with it. */
export function heard(breaker: Breaker): unknown[] {
  const events: unknown[] = [];
  for (const event of EVENTS) {
    breaker.on(event, (...about: unknown[]) => events.push([event, ...about.map(plain)]));
  }
  return events;
}

export function plain(value: unknown): unknown {
  if (value instanceof Error) return { message: value.message, ...('code' in value ? { code: value.code } : {}) };
  if (value instanceof Promise) return 'a promise';
  return value;
}

/** What a call comes to. */
export async function outcome(call: unknown): Promise<unknown> {
  try {
    return ['resolved', plain(await call)];
  } catch (error) {
    return ['rejected', plain(error)];
  }
}

export function state(breaker: Breaker): unknown {
  const { closed, opened, halfOpen, pendingClose, isShutdown, enabled, warmUp } = breaker;
  return { closed, opened, halfOpen, pendingClose, isShutdown, enabled, warmUp };
}

export const after = (ms: number, value: unknown) => new Promise((resolve) => setTimeout(resolve, ms, value));
export const failAfter = (ms: number, error: unknown) =>
  new Promise((_resolve, reject) => setTimeout(reject, ms, error));
/** Fails for anything below 0, after 10 ms. */
export const passFail = (x: number) => (x >= 0 ? after(10, x) : failAfter(10, new Error(`${x} is negative`)));
/** Fails when it is told to, at once. */
export const failIfTold = async (what: unknown) => {
  if (what === 'fail') throw new Error('failed');
  return what;
};

/** What a breaker without a policy does, by what opossum documents. Each is run on opossum and on this package. */
export const CASES: Record<string, Case> = {
  'has a name, a group, options and an action': ({ make }) => {
    const named = make(passFail, { name: 'taco', group: 'food' });
    const options = { ...named.options, errorFilter: typeof named.options.errorFilter, cacheGetKey: 'a function' };
    return [named.name, named.group, make(passFail).name, make(passFail).group, options, named.action === passFail];
  },
  'takes a UUID for a name where there is none': ({ make }) => {
    const { name, group } = make(async (x: unknown) => x);
    return [/^[0-9a-f-]{36}$/.test(name), name === group];
  },
  'keeps zeros in its options': ({ make }) => {
    const zeros = {
      timeout: 0,
      resetTimeout: 0,
      errorThresholdPercentage: 0,
      rollingCountTimeout: 0,
      rollingCountBuckets: 0,
    };
    const { timeout, resetTimeout, errorThresholdPercentage, rollingCountTimeout, rollingCountBuckets } = make(
      passFail,
      zeros,
    ).options;
    return { timeout, resetTimeout, errorThresholdPercentage, rollingCountTimeout, rollingCountBuckets };
  },
  'lists the events that tools register for': ({ make }) => make(passFail).eventNames().sort(),
  'refuses an action, a transport, a controller and a health check that are none': async ({ make }) => {
    const breaker = make(passFail);
    const made = [
      () => make(undefined),
      () => make(passFail, { cache: true, cacheTransport: { get: () => 1 } as never }),
      () => make(passFail, { abortController: {} as never }),
      () => breaker.healthCheck('no' as never),
      () => breaker.healthCheck(failIfTold as never, 'often' as never),
    ];
    return Promise.all(made.map((each) => outcome(new Promise(() => each()))));
  },
  'passes arguments, results, values and `this`': async ({ make }) => {
    async function self(this: unknown, ...args: unknown[]) {
      return [this === self ? 'itself' : this, args];
    }
    const breaker = make(self);
    const disabled = make(self, { enabled: false });
    return [
      await outcome(breaker.fire(1, 'two')),
      await outcome(breaker.call({ lunch: 'sushi' }, 3)),
      await outcome(disabled.call({ lunch: 'sushi' }, 3)),
      await outcome(make('a value').fire()),
      await outcome(make(() => 'no promise').fire()),
    ];
  },
  'counts and tells a call that succeeds': async ({ make, pass }) => {
    const breaker = make(passFail);
    const events = heard(breaker);
    const call = outcome(breaker.fire(1));
    await pass(10);
    return [await call, events, breaker.stats];
  },
  'rejects with the error of the action, whatever it is': async ({ make }) => {
    const outcomes: unknown[] = [];
    for (const error of [new TypeError('mine'), 'a text', undefined, null, { status: 404 }]) {
      outcomes.push(await outcome(make(() => Promise.reject(error)).fire()));
    }
    const thrower = make(() => {
      throw new Error('at once');
    });
    return [outcomes, await outcome(thrower.fire()), thrower.stats.failures];
  },
  'opens above the share of failures among the calls fired, not at it': async ({ make }) => {
    const breaker = make(failIfTold, { errorThresholdPercentage: 50 });
    const seen: unknown[] = [];
    for (const what of ['ok', 'fail', 'ok', 'fail', 'fail', 'ok']) {
      seen.push([await outcome(breaker.fire(what)), breaker.opened]);
    }
    return seen;
  },
  'counts calls under way among those that were fired': async ({ make, pass }) => {
    const breaker = make(passFail, { errorThresholdPercentage: 50 });
    const calls = [-1, -2, 3, 4, 5].map((x) => outcome(breaker.fire(x)));
    await pass(10);
    return [await Promise.all(calls), state(breaker)];
  },
  'fails fast while open, with what it says and counts': async ({ make, CircuitBreaker }) => {
    const breaker = make(failIfTold, { errorThresholdPercentage: 10 });
    await outcome(breaker.fire('fail'));
    const events = heard(breaker);
    const error = await breaker.fire('ok').catch((thrown: Error) => thrown);
    return [
      plain(error),
      CircuitBreaker.isOurError(error),
      CircuitBreaker.isOurError(new Error('x')),
      events,
      breaker.stats,
    ];
  },
  'is half-open after resetTimeout, and closes by one success': async ({ make, pass }) => {
    const breaker = make(failIfTold, { resetTimeout: 100 });
    const events = heard(breaker);
    await outcome(breaker.fire('fail'));
    const states = [state(breaker)];
    await pass(99);
    states.push(state(breaker));
    await pass(1);
    states.push(state(breaker));
    await outcome(breaker.fire('ok'));
    states.push(state(breaker));
    return [states, events];
  },
  'opens again by one failure, for resetTimeout again': async ({ make, pass }) => {
    const breaker = make(failIfTold, { resetTimeout: 100, volumeThreshold: 5 });
    const events = heard(breaker);
    breaker.open();
    await pass(100);
    const first = state(breaker);
    await outcome(breaker.fire('fail'));
    const second = state(breaker);
    await pass(99);
    const third = state(breaker);
    await pass(1);
    return [first, second, third, state(breaker), events];
  },
  'lets one call test a half-open circuit': async ({ make, pass }) => {
    const breaker = make(passFail, { resetTimeout: 100 });
    breaker.open();
    await pass(100);
    const probe = outcome(breaker.fire(1));
    const others = await Promise.all([outcome(breaker.fire(2)), outcome(breaker.fire(3))]);
    const during = state(breaker);
    await pass(10);
    return [others, during, await probe, state(breaker), breaker.stats];
  },
  'gives up a call after timeout': async ({ make, pass, CircuitBreaker }) => {
    const breaker = make(passFail, { timeout: 5, capacity: 2 });
    const events = heard(breaker);
    let free: unknown;
    breaker.on('timeout', () => {
      free = breaker.semaphore.count;
    });
    const call = breaker.fire(1).catch((thrown: Error) => thrown);
    await pass(5);
    const error = await call;
    await pass(10);
    return [plain(error), CircuitBreaker.isOurError(error), events, breaker.stats, free, state(breaker)];
  },
  'has no time limit with 0 or false': async ({ make, pass }) => {
    const calls = [0, false as const].map((timeout) => outcome(make(() => after(60_000, 'late'), { timeout }).fire()));
    await pass(60_000);
    return Promise.all(calls);
  },
  'answers by the fallback, with the arguments and the error': async ({ make }) => {
    const breaker = make(failIfTold, { name: 'x' });
    const self = breaker.fallback((...args: unknown[]) => args.map(plain)) === breaker;
    const events = heard(breaker);
    return [self, await outcome(breaker.fire('fail', 2)), await outcome(breaker.fire('fail')), events, breaker.stats];
  },
  'rejects with what the fallback throws or rejects with': async ({ make }) => {
    const thrower = make(failIfTold).fallback(() => {
      throw new Error('fallback threw');
    });
    const rejecter = make(failIfTold).fallback(() => Promise.reject(new Error('fallback rejected')));
    const events = [heard(thrower), heard(rejecter)];
    return [await outcome(thrower.fire('fail')), await outcome(rejecter.fire('fail')), events];
  },
  'falls back to another breaker': async ({ make }) => {
    const second = make(async (x: unknown) => ['second', x]);
    const failing = make(failIfTold);
    return [
      await outcome(make(failIfTold).fallback(second).fire('fail')),
      await outcome(make(failIfTold).fallback(failing).fire('fail')),
    ];
  },
  'does not fall back twice when the action fails after it timed out': async ({ make, pass }) => {
    let answers = 0;
    const breaker = make(passFail, { timeout: 5 }).fallback(() => ++answers);
    const call = outcome(breaker.fire(-1));
    await pass(30);
    return [await call, answers, breaker.stats];
  },
  'takes a filtered error for a success': async ({ make, pass }) => {
    const told: unknown[] = [];
    const errorFilter = (error: { status: number }, ...args: unknown[]) => {
      told.push(args);
      return error.status < 500;
    };
    const breaker = make((status: number) => Promise.reject({ status }), { errorFilter, resetTimeout: 100 });
    breaker.fallback(() => 'fallback');
    const events = heard(breaker);
    const filtered = await outcome(breaker.fire(404, 'b'));
    const counted = await outcome(breaker.fire(500));
    const again = await outcome(breaker.fire(500));
    const opened = state(breaker);
    await pass(100);
    return [
      filtered,
      counted,
      again,
      opened,
      await outcome(breaker.fire(404)),
      state(breaker),
      told,
      events,
      breaker.stats,
    ];
  },
  'filters a time-out too': async ({ make, pass }) => {
    const breaker = make(passFail, { timeout: 5, errorFilter: (error) => error.code === 'ETIMEDOUT' });
    const call = outcome(breaker.fire(1));
    await pass(10);
    return [await call, breaker.stats, state(breaker)];
  },
  'lets no more calls through than capacity': async ({ make, pass }) => {
    const breaker = make(passFail, { capacity: 2, errorThresholdPercentage: 60 });
    const events = heard(breaker);
    const calls = [1, 2, 3].map((x) => outcome(breaker.fire(x)));
    const during = breaker.semaphore.count;
    await pass(10);
    return [await Promise.all(calls), during, breaker.semaphore.count, events, breaker.stats, state(breaker)];
  },
  'opens when capacity refuses too many, as every failure does': async ({ make, pass }) => {
    const breaker = make(passFail, { capacity: 1, errorThresholdPercentage: 30 });
    const calls = [1, 2].map((x) => outcome(breaker.fire(x)));
    const during = state(breaker);
    await pass(10);
    return [await Promise.all(calls), during];
  },
  'has a semaphore that hands on its locks': async ({ make, pass }) => {
    const { semaphore } = make(passFail, { capacity: 1 });
    const taken = [semaphore.test(), semaphore.test(), semaphore.count];
    const log: unknown[] = [];
    void semaphore.take().then(() => log.push(['first', semaphore.count]));
    void semaphore.take(50).catch((error) => log.push(['second', plain(error)]));
    await pass(20);
    semaphore.release();
    await pass(100);
    semaphore.release();
    return [taken, log, semaphore.count, outcome(Promise.resolve())].slice(0, 3);
  },
  'opens nothing below volumeThreshold': async ({ make }) => {
    const breaker = make(failIfTold, { volumeThreshold: 3 });
    const seen: unknown[] = [breaker.volumeThreshold];
    for (let i = 0; i < 3; i++) {
      await outcome(breaker.fire('fail'));
      seen.push(state(breaker));
    }
    return seen;
  },
  'opens nothing while it warms up': async ({ make, pass }) => {
    const breaker = make(failIfTold, { allowWarmUp: true, rollingCountTimeout: 500 });
    await outcome(breaker.fire('fail'));
    const during = state(breaker);
    await pass(500);
    const later = state(breaker);
    await outcome(breaker.fire('fail'));
    return [during, later, state(breaker)];
  },
  'counts in a window of buckets that rotate': async ({ make, pass }) => {
    const breaker = make(failIfTold, { rollingCountTimeout: 200, rollingCountBuckets: 2 });
    const seen: unknown[] = [];
    await breaker.fire(1);
    for (let i = 0; i < 3; i++) {
      await pass(100);
      seen.push([breaker.status.window.map(({ successes }) => successes), breaker.stats.successes]);
      if (i === 0) await breaker.fire(2);
    }
    return seen;
  },
  'rotates by a controller, and not while disabled': async ({ make, pass }) => {
    const controller = new EventEmitter();
    const breaker = make(failIfTold, {
      rotateBucketController: controller,
      rollingCountBuckets: 2,
      rollingCountTimeout: 20,
    });
    const seen: unknown[] = [controller.listenerCount('rotate')];
    await breaker.fire(1);
    await pass(1_000);
    seen.push(breaker.stats.successes);
    for (let i = 0; i < 2; i++) {
      controller.emit('rotate');
      seen.push(breaker.stats.successes);
    }
    breaker.disable();
    seen.push(controller.listenerCount('rotate'));
    breaker.enable();
    breaker.enable();
    seen.push(controller.listenerCount('rotate'));
    breaker.shutdown();
    return [...seen, controller.listenerCount('rotate')];
  },
  'sums up latencies by percentiles, or not': async ({ make, pass }) => {
    const seen: unknown[] = [];
    for (const rollingPercentilesEnabled of [true, false]) {
      const breaker = make((ms: number) => after(ms, ms), { rollingPercentilesEnabled });
      seen.push(breaker.stats);
      const calls = [10, 20, 30, 40, 200].map((ms) => breaker.fire(ms));
      await pass(200);
      await Promise.all(calls);
      seen.push(breaker.stats);
    }
    return seen;
  },
  'says in its window when it opened and closed': async ({ make }) => {
    const breaker = make(failIfTold);
    const seen = [breaker.status.window[0]];
    breaker.open();
    seen.push(breaker.status.window[0]);
    breaker.close();
    return [...seen, breaker.status.window[0]].map((bucket) => bucket?.isCircuitBreakerOpen);
  },
  'emits snapshots for each bucket, or none': async ({ make, pass }) => {
    const seen: unknown[] = [];
    for (const enableSnapshots of [true, false]) {
      const breaker = make(failIfTold, { enableSnapshots, rollingCountTimeout: 100, rollingCountBuckets: 2 });
      breaker.status.on('snapshot', (snapshot: object) => seen.push(snapshot));
      await breaker.fire(1);
      await pass(160);
      seen.push(breaker.status.enableSnapshots);
    }
    return seen;
  },
  'starts with imported statistics': async ({ make, CircuitBreaker }) => {
    const stats = {
      failures: 1,
      fallbacks: 1,
      successes: 1,
      rejects: 1,
      fires: 2,
      timeouts: 1,
      semaphoreRejections: 1,
    };
    const status = CircuitBreaker.newStatus({ stats });
    const breaker = make(failIfTold, { status });
    await breaker.fire('ok');
    const first = breaker.stats;
    await outcome(breaker.fire('fail'));
    return [breaker.status === status, first, breaker.stats, make(failIfTold, { status: stats }).stats, state(breaker)];
  },
  'opens by imported statistics': async ({ make, CircuitBreaker }) => {
    const good = CircuitBreaker.newStatus({ stats: { fires: 100, successes: 100 } });
    const breaker = make(failIfTold, { status: good, errorThresholdPercentage: 1 });
    await outcome(breaker.fire('fail'));
    const one = state(breaker);
    await outcome(breaker.fire('fail'));
    return [one, state(breaker)];
  },
  'starts in an imported state': async ({ make, pass }) => {
    const states = [
      {},
      { enabled: false },
      { closed: false },
      { closed: false, halfOpen: true },
      { closed: false, lastTimerAt: Date.now() - 1_000 },
      { warmUp: true },
    ];
    const breakers = states.map((each) => make(passFail, { state: each, resetTimeout: 100 }));
    const seen: unknown[] = [breakers.map(state)];
    const calls = breakers.map((breaker) => outcome(breaker.fire(1)));
    const rejected = breakers.map((breaker) => breaker.halfOpen && outcome(breaker.fire(2)));
    await pass(50);
    seen.push(await Promise.all([...calls, ...rejected]), breakers.map(state));
    await pass(50);
    return [...seen, breakers.map(state)];
  },
  'says its state and statistics': async ({ make }) => {
    const breaker = make(failIfTold, { name: 'json' });
    await outcome(breaker.fire('fail'));
    const { state: told, status } = JSON.parse(JSON.stringify(breaker));
    return [{ ...told, lastTimerAt: typeof told.lastTimerAt }, status];
  },
  'continues with the exported state of another breaker': async ({ make, pass }) => {
    const before = make(failIfTold, { resetTimeout: 100 });
    await outcome(before.fire('fail'));
    const { state: told, status } = before.toJSON();
    const next = make(failIfTold, { state: told, status, resetTimeout: 100 });
    const seen = [state(next), next.stats];
    await pass(100);
    return [...seen, state(next)];
  },
  'starts shut down with the imported state of one that was': async ({ make, CircuitBreaker }) => {
    const breaker = make(failIfTold, { state: { closed: false, open: false, shutdown: true } });
    const error = await breaker.fire(1).catch((thrown: Error) => thrown);
    return [state(breaker), plain(error), CircuitBreaker.isOurError(error)];
  },
  'calls the action and nothing else while disabled': async ({ make }) => {
    const breaker = make(failIfTold, { cache: true, coalesce: true }).fallback(() => 'fallback');
    const events = heard(breaker);
    breaker.disable();
    const seen = [await outcome(breaker.fire('fail')), await outcome(breaker.fire(1)), state(breaker), breaker.stats];
    breaker.enable();
    return [...seen, await outcome(breaker.fire('fail')), state(breaker), events];
  },
  'opens and closes on request, once each': async ({ make }) => {
    const breaker = make(failIfTold);
    const events = heard(breaker);
    breaker.close();
    breaker.open();
    breaker.open();
    const opened = [state(breaker), await outcome(breaker.fire(1))];
    breaker.close();
    breaker.close();
    return [opened, state(breaker), await outcome(breaker.fire(1)), events];
  },
  'still counts what failed before close()': async ({ make }) => {
    const breaker = make(failIfTold, { errorThresholdPercentage: 30 });
    await outcome(breaker.fire('fail'));
    breaker.close();
    await breaker.fire('ok');
    await outcome(breaker.fire('fail'));
    return state(breaker);
  },
  'stays open when a call of before succeeds': async ({ make, pass }) => {
    const breaker = make(passFail, { resetTimeout: 1_000 });
    const late = outcome(breaker.fire(1));
    breaker.open();
    await pass(10);
    return [await late, state(breaker), breaker.stats];
  },
  'shuts down for good': async ({ make, pass, CircuitBreaker }) => {
    const breaker = make(passFail, { cache: true });
    const events = heard(breaker);
    const underWay = outcome(breaker.fire(1));
    breaker.shutdown();
    breaker.shutdown();
    const error = await breaker.fire(2).catch((thrown: Error) => thrown);
    await pass(20);
    return [
      state(breaker),
      plain(error),
      CircuitBreaker.isOurError(error),
      await underWay,
      events,
      breaker.listenerCount('fire'),
      breaker.options.cacheTransport !== undefined,
    ];
  },
  'keeps results, by arguments, for good or for a time': async ({ make, pass }) => {
    const seen: unknown[] = [];
    for (const cacheTTL of [undefined, 100]) {
      let calls = 0;
      const breaker = make(async (x: unknown) => [x, ++calls], { cache: true, cacheTTL });
      const events = heard(breaker);
      const fire = async (x: unknown) => seen.push(await outcome(breaker.fire(x)));
      await fire(1);
      await fire(1);
      await fire({ a: 1 });
      await pass(100);
      await fire(1);
      breaker.clearCache();
      await fire(1);
      seen.push(events, breaker.stats);
    }
    return seen;
  },
  'keeps so many results, and no failures': async ({ make }) => {
    let calls = 0;
    const action = async (x: unknown) => {
      calls++;
      return failIfTold(x);
    };
    const breaker = make(action, { cache: true, cacheSize: 2, volumeThreshold: 100 });
    for (const x of [1, 2, 3, 1, 2, 'fail', 'fail', 2]) await outcome(breaker.fire(x));
    return [calls, breaker.stats];
  },
  'keeps results by a key and a transport of the user': async ({ make, pass }) => {
    const kept = new Map<string, unknown>();
    const log: unknown[] = [];
    const cacheTransport = {
      get: (key: string) => kept.get(key),
      set: (key: string, value: unknown, ttl: number) => {
        log.push([key, value instanceof Promise, ttl - Date.now()]);
        kept.set(key, value);
      },
      flush: () => kept.clear(),
    };
    const breaker = make(passFail, { cache: true, cacheTTL: 50, cacheGetKey: (x) => `key-${x}`, cacheTransport });
    const calls = [outcome(breaker.fire(1))];
    await pass(10);
    calls.push(outcome(breaker.fire(1)));
    const seen = [await Promise.all(calls), log, [...kept.keys()]];
    breaker.shutdown();
    return [...seen, kept.size];
  },
  'answers from the cache while open': async ({ make }) => {
    const breaker = make(failIfTold, { cache: true });
    await breaker.fire(1);
    breaker.open();
    return [await outcome(breaker.fire(1)), await outcome(breaker.fire(2))];
  },
  'shares calls that are under way, and their outcome for a time': async ({ make, pass }) => {
    const seen: unknown[] = [];
    for (const x of [1, -1]) {
      let calls = 0;
      const action = (y: number) => {
        calls++;
        return passFail(y);
      };
      const breaker = make(action, { coalesce: true, coalesceTTL: 100, volumeThreshold: 9 });
      const events = heard(breaker);
      const fired = [1, 2, 3].map(() => outcome(breaker.fire(x)));
      await pass(50);
      fired.push(outcome(breaker.fire(x)));
      await pass(60);
      fired.push(outcome(breaker.fire(x)));
      await pass(10);
      seen.push(await Promise.all(fired), calls, events, breaker.stats);
    }
    return seen;
  },
  'shares calls no longer than the outcomes that are named': async ({ make, pass }) => {
    const seen: unknown[] = [];
    for (const on of ['success', 'error', 'timeout'] as const) {
      for (const x of [1, -1, 2]) {
        let calls = 0;
        const action = (y: number) => {
          calls++;
          return y === 2 ? after(500, y) : passFail(y);
        };
        const coalesceResetOn = [on, 'nonsense' as never];
        const breaker = make(action, {
          coalesce: true,
          timeout: 100,
          coalesceResetOn,
          volumeThreshold: 9,
          coalesceTTL: 1_000,
        });
        const fired = [outcome(breaker.fire(x)), outcome(breaker.fire(x))];
        await pass(150);
        fired.push(outcome(breaker.fire(x)));
        await pass(150);
        seen.push([on, x, breaker.options.coalesceResetOn, await Promise.all(fired), calls]);
      }
    }
    return seen;
  },
  'looks into the cache before it shares': async ({ make, pass }) => {
    const breaker = make(passFail, { cache: true, coalesce: true });
    const calls = [1, 2].map(() => outcome(breaker.fire(1)));
    await pass(10);
    calls.push(outcome(breaker.fire(1)));
    return [await Promise.all(calls), breaker.stats];
  },
  'aborts its controller when a call takes too long': async ({ make, pass }) => {
    const abortController = new AbortController();
    const breaker = make(passFail, { abortController, timeout: 5 });
    const same = [breaker.getSignal() === abortController.signal, breaker.getAbortController() === abortController];
    const call = outcome(breaker.fire(1));
    await pass(10);
    return [await call, same, abortController.signal.aborted, make(passFail).getSignal() === undefined];
  },
  'renews its controller when it is half-open and when it closes': async ({ make, pass }) => {
    const breaker = make(passFail, { autoRenewAbortController: true, timeout: 5, resetTimeout: 100 });
    const first = breaker.getSignal();
    const call = outcome(breaker.fire(1));
    await pass(10);
    const seen = [await call, first?.aborted, breaker.getSignal() === first];
    await pass(100);
    const second = breaker.getSignal();
    seen.push(second === first, second?.aborted);
    breaker.getAbortController()?.abort();
    breaker.close();
    return [...seen, breaker.getSignal() === second, breaker.getSignal()?.aborted];
  },
  'opens when a health check fails': async ({ make, pass }) => {
    const breaker = make(passFail, { resetTimeout: 1_000_000 });
    const events = heard(breaker);
    let checks = 0;
    let self: unknown;
    breaker.healthCheck(async function check(this: unknown) {
      self = this;
      if (++checks > 2) throw new Error('unwell');
    }, 100);
    await pass(0);
    const first = checks;
    await pass(99);
    const second = checks;
    await pass(101);
    return [first, second, checks, self === breaker, events, state(breaker)];
  },
  'checks every 5 s where nothing else is said': async ({ make, pass }) => {
    let checks = 0;
    make(passFail).healthCheck(async () => void checks++);
    await pass(15_000);
    return checks;
  },
  'warns of maxFailures': async ({ make }) => {
    const said: unknown[] = [];
    const { error } = console;
    console.error = (...args: unknown[]) => said.push(...args);
    try {
      make(passFail, { maxFailures: 1 });
    } finally {
      console.error = error;
    }
    return said.length;
  },
  'keeps breakers of one name apart': async ({ make }) => {
    const breakers = [1, 2, 3].map(() => make(failIfTold, { name: 'same' }));
    await outcome(breakers[1]!.fire('fail'));
    return breakers.map(state);
  },
};
