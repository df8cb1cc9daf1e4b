import { afterEach, describe, expect, it } from '@jest/globals';
import type { Breaker } from '../../breakers/breaker.ts';
import type { GovernedBreaker } from '../../breakers/governed-breaker.ts';
import { type PolicyDefaults, Registry } from '../../breakers/registry.ts';
import { callObservers } from '../../core/observers/call-observer.ts';
import { FakeClock } from '../../testing/testing.ts';
import { type Recording, record } from './recording.ts';

const WALL = 1_714_557_600_000;
const TRIP: PolicyDefaults = { trip: { consecutiveFailures: 2 }, recovery: { openDuration: '1m', jitterPercent: 0 } };

let recording: Recording | undefined;
let text = '';
let clock: FakeClock;
afterEach(async () => {
  await recording?.stop();
  text = '';
});

const keep = (block: string): void => {
  text += block;
};

function recordedBreaker(defaults: PolicyDefaults = TRIP): Breaker {
  clock = new FakeClock();
  const wallNow = () => WALL + clock.now();
  const registry = new Registry({ clock, timeouts: clock, random: () => 0, wallNow });
  recording = record(
    {
      write(block) {
        text += block;
      },
    },
    { instance: 'checkout-1' },
  );
  return registry.getBreaker('payments', { defaults });
}

async function lines(): Promise<unknown[]> {
  await recording!.flush();
  const all = text.split('\n').filter((line) => line !== '');
  return all.map((line) => JSON.parse(line) as unknown).filter((line) => !('fuseboard' in (line as object)));
}

const line = (o: string, more: object = {}) => ({ t: WALL, d: 0, o, b: 'payments', f: 1, ...more });
const response = (status: number) => ({ status, headers: new Headers() });
const coded = (code: string) => Object.assign(new Error('of user 17'), { code });
const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

describe('the calls of breakers are recorded', () => {
  it('with start and duration, from execute', async () => {
    const breaker = recordedBreaker();
    clock.advance(250);
    await breaker.execute(async () => clock.advance(30));
    expect(await lines()).toEqual([line('success', { t: WALL + 250, d: 30 })]);
  });

  it.each([
    ['alone', TRIP],
    ['under a retry', { ...TRIP, retry: { maxAttempts: 2 } }],
  ])('with the error of a call whose own signal timed out, %s', async (_how, policy) => {
    const breaker = recordedBreaker(policy);
    const caller = new AbortController();
    const call = breaker.execute(
      async () => {
        caller.abort(new DOMException('too late', 'TimeoutError'));
        throw coded('ETIMEDOUT');
      },
      { signal: caller.signal },
    );
    await expect(call).rejects.toThrow();
    expect(await lines()).toEqual([line('failure', { e: 'ETIMEDOUT' })]);
  });

  it('with the status that classification saw', async () => {
    const breaker = recordedBreaker();
    await breaker.execute(async () => response(200));
    await breaker.execute(async () => response(503));
    await breaker.execute(() => Promise.reject(Object.assign(new Error('gone'), { status: 404 }))).catch(() => {});
    expect(await lines()).toEqual([
      line('success', { s: 200 }),
      line('failure', { s: 503 }),
      line('success', { s: 404 }),
    ]);
  });

  it('with the kind of an error and never its message', async () => {
    const breaker = recordedBreaker({ trip: { consecutiveFailures: 100 } });
    class Unpaid extends Error {}
    const errors = [
      coded('ECONNRESET'),
      new TypeError('of user 17'),
      new Unpaid('of user 17'),
      coded('of user 17'),
      'of user 17',
    ];
    for (const error of errors) await breaker.execute(() => Promise.reject(error)).catch(() => {});
    expect(await lines()).toEqual([
      ...['ECONNRESET', 'TypeError', 'Error', 'Error'].map((e) => line('failure', { e })),
      line('failure'),
    ]);
    expect(text).not.toContain('user');
  });

  it('without anything of a result that is no response', async () => {
    const breaker = recordedBreaker();
    await breaker.execute(async () => ({ status: 404, name: 'Ada', code: 'A17' }));
    expect(await lines()).toEqual([line('success')]);
  });

  it('from executeSync', async () => {
    const breaker = recordedBreaker();
    breaker.executeSync(() => clock.advance(7));
    expect(() =>
      breaker.executeSync(() => {
        throw coded('EPIPE');
      }),
    ).toThrow('of user 17');
    expect(await lines()).toEqual([line('success', { d: 7 }), line('failure', { t: WALL + 7, e: 'EPIPE' })]);
  });

  it('from permits, once for each', async () => {
    const breaker = recordedBreaker();
    const [good, bad, coded1, left] = [breaker.enter()!, breaker.enter()!, breaker.enter()!, breaker.enter()!];
    good.succeed();
    good.fail();
    left.ignore();
    bad.fail();
    coded1.fail(coded('EPIPE'));
    expect(await lines()).toEqual([line('success'), line('ignored'), line('failure'), line('failure', { e: 'EPIPE' })]);
  });

  it('from wrapped functions', async () => {
    const breaker = recordedBreaker();
    await breaker.wrap(async (status: number) => response(status))(204);
    expect(await lines()).toEqual([line('success', { s: 204 })]);
  });

  it('with the key whose circuit took them', async () => {
    const breaker = recordedBreaker();
    await breaker.for('/charge').execute(async () => 1);
    await breaker.execute(async () => 1);
    expect(await lines()).toEqual([line('success', { k: '/charge' }), line('success')]);
  });

  it('when they are rejected, by each way to call', async () => {
    const breaker = recordedBreaker();
    for (let i = 0; i < 2; i++) breaker.enter()!.fail();
    clock.advance(1_000);
    await breaker.execute(async () => 1).catch(() => {});
    expect(() => breaker.executeSync(() => 1)).toThrow('open');
    expect(breaker.enter()).toBeNull();
    expect((await lines()).slice(2)).toEqual(new Array(3).fill(line('rejected', { t: WALL + 1_000 })));
  });

  it('when their time is up', async () => {
    const breaker = recordedBreaker({ ...TRIP, timeout: { duration: '100ms' } });
    const call = breaker.execute(() => new Promise(() => {})).catch(() => {});
    clock.advance(100);
    await call;
    expect(await lines()).toEqual([line('failure', { d: 100, e: 'ERR_FUSEBOARD_TIMEOUT' })]);
  });

  it('as ignored when their caller gave up', async () => {
    const breaker = recordedBreaker();
    const caller = new AbortController();
    const call = breaker.execute(
      async () => {
        caller.abort();
        throw coded('ABORT_ERR');
      },
      { signal: caller.signal },
    );
    await call.catch(() => {});
    expect(await lines()).toEqual([line('ignored')]);
  });

  it.each([
    ['for each attempt', 'OutsideBreaker', ['failure', 'success']],
    ['once for all attempts', 'InsideBreaker', ['success']],
  ] as const)('%s of a call that is retried %s', async (_, placement, outcomes) => {
    const retry = { maxAttempts: 2, backoff: { initial: '10ms', jitterPercent: 0 }, placement };
    const breaker = recordedBreaker({ ...TRIP, retry } as PolicyDefaults);
    let attempts = 0;
    const call = breaker.execute(async () => response(++attempts === 1 ? 503 : 200));
    await turns();
    clock.advance(10_000);
    await call;
    expect(attempts).toBe(2);
    expect((await lines()).map((each) => (each as { o: string }).o)).toEqual(outcomes);
    expect((await lines()).at(-1)).toMatchObject({ s: 200 });
  });

  it('as not in force where no policy could have rejected them', async () => {
    for (const defaults of [{ ...TRIP, mode: 'Shadow' }, { ...TRIP, mode: 'Disabled' }, {}] as PolicyDefaults[]) {
      const breaker = recordedBreaker(defaults);
      for (let i = 0; i < 3; i++) await breaker.execute(() => Promise.reject(coded('EPIPE'))).catch(() => {});
      expect(await lines()).toEqual(new Array(3).fill(line('failure', { e: 'EPIPE', f: 0 })));
      await recording!.stop();
      text = '';
    }
  });

  it('as in force or not by the policy of their time', async () => {
    const breaker = recordedBreaker();
    await breaker.execute(async () => 1);
    const { circuit } = breaker as GovernedBreaker;
    circuit.configure({ ...circuit.config, mode: 'Shadow' }, false);
    await breaker.execute(async () => 1);
    expect(await lines()).toEqual([line('success'), line('success', { f: 0 })]);
  });

  it('by the clock of their breaker, when breakers have different ones', async () => {
    const breaker = recordedBreaker();
    const ahead = new FakeClock();
    ahead.advance(5_000);
    const other = new Registry({ clock: ahead, timeouts: ahead, wallNow: () => WALL + 7 }).getBreaker('other');
    await breaker.execute(async () => clock.advance(2));
    await other.execute(async () => ahead.advance(3));
    await breaker.execute(async () => clock.advance(4));
    expect(await lines()).toMatchObject([
      { b: 'payments', t: WALL, d: 2 },
      { b: 'other', t: WALL + 4, d: 3 },
      { b: 'payments', t: WALL + 2, d: 4 },
    ]);
  });

  it('at the time of the wall clock when that jumps', async () => {
    let jump = 0;
    clock = new FakeClock();
    const registry = new Registry({ clock, timeouts: clock, wallNow: () => WALL + clock.now() + jump });
    recording = record({ write: keep });
    const breaker = registry.getBreaker('payments');
    await breaker.execute(async () => 1);
    jump = 3_600_000;
    clock.advance(1_000);
    await breaker.execute(async () => 1);
    expect(await lines()).toMatchObject([{ t: WALL }, { t: WALL + 3_601_000 }]);
  });
});

describe('a recording', () => {
  it('names agent and process', async () => {
    const breaker = recordedBreaker();
    await breaker.execute(async () => 1);
    await lines();
    expect(text.split('\n')[0]).toBe('{"fuseboard":"calls/1","agent":"0.1.0","instance":"checkout-1","share":1}');
  });

  it('ends with stop, after which calls cost nothing more', async () => {
    const breaker = recordedBreaker();
    await recording!.stop();
    await breaker.execute(async () => 1);
    expect([text, callObservers.list]).toEqual(['', undefined]);
  });

  it('continues beside another one', async () => {
    const breaker = recordedBreaker();
    const blocks: string[] = [];
    const second = record({ write: (block) => void blocks.push(block) })!;
    await breaker.execute(async () => 1);
    await second.stop();
    await breaker.execute(async () => 1);
    expect([(await lines()).length, blocks.join('').split('\n').length]).toEqual([2, 3]);
  });

  it('reaches no call when what it sees or its sink throws', async () => {
    const breaker = recordedBreaker();
    const warnings: string[] = [];
    const broken = record(
      {
        write() {
          throw new Error('no space');
        },
      },
      { warn: (message) => warnings.push(message) },
    )!;
    const trap = new Proxy(new Error('trap'), {
      get() {
        throw new Error('do not look');
      },
    });
    await expect(breaker.execute(() => Promise.reject(trap)).catch((error) => error === trap)).resolves.toBe(true);
    await expect(breaker.execute(async () => 5)).resolves.toBe(5);
    expect(await lines()).toEqual([line('failure'), line('success')]);
    await broken.stop();
    expect(warnings).toEqual([expect.stringContaining('no space')]);
  });
});
