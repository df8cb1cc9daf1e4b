import { once } from 'node:events';
import { type Agent, getBreaker, isFuseboardError, start } from '@fuseboard/agent';
import { FakeControlPlane, type PushedPolicy } from '@fuseboard/agent/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import CircuitBreaker from '../src/index.ts';
import type Declared from '../types/index.cjs';
import { failIfTold, heard, outcome, state } from './cases.ts';

type Breaker = Declared<unknown[], unknown>;
type Spec = Omit<PushedPolicy['spec'], 'breakers'>;

let plane: FakeControlPlane;
let agent: Agent;
const made: Breaker[] = [];
let names = 0;

function make(action: (...args: unknown[]) => unknown, options: Declared.Options = {}): Breaker {
  const breaker = new CircuitBreaker(action, options);
  made.push(breaker);
  return breaker;
}

/** A name that no other test has, as breakers live as long as the process. */
const fresh = () => `service-${++names}`;

/** Puts policies in force, each under the name that it governs. */
async function push(specs: Record<string, Spec>): Promise<void> {
  const policies = Object.entries(specs).map(([name, spec]) => ({ name, spec: { ...spec, breakers: [name] } }));
  const applied = new Promise<void>((resolve) => {
    const off = agent.on('applied', () => {
      off();
      resolve();
    });
  });
  plane.push(policies);
  await applied;
}

/** Never ends by itself. */
const hang = () => new Promise(() => {});

beforeAll(async () => {
  plane = await FakeControlPlane.start();
  agent = start({ url: plane.url, service: 'compat' });
  expect(await agent.ready()).toBe('Live');
});
afterEach(() => {
  for (const breaker of made.splice(0)) breaker.shutdown();
});
afterAll(async () => {
  await agent.stop();
  await plane.stop();
});

describe('a policy for the name of a breaker', () => {
  it('decides when the circuit opens, for how long, and when it closes', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, errorThresholdPercentage: 0, resetTimeout: 86_400_000 });
    await push({ [name]: { trip: { consecutiveFailures: 3 }, recovery: { openDuration: '250ms' } } });
    for (let i = 0; i < 2; i++) await outcome(breaker.fire('fail'));
    expect(state(breaker)).toMatchObject({ closed: true });
    const events = heard(breaker);
    const halfOpen = once(breaker, 'halfOpen');
    await outcome(breaker.fire('fail'));
    expect(state(breaker)).toMatchObject({ opened: true, pendingClose: false });
    const error = await breaker.fire('ok').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'EOPENBREAKER', message: 'Breaker is open' });
    expect(CircuitBreaker.isOurError(error)).toBe(true);
    expect(isFuseboardError((error as Error).cause, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    const [openMs] = await halfOpen;
    expect(openMs).toBeLessThan(86_400_000);
    expect(state(breaker)).toMatchObject({ halfOpen: true, pendingClose: true });
    await breaker.fire('ok');
    expect(state(breaker)).toMatchObject({ closed: true, pendingClose: false });
    expect(events.map((event) => (event as unknown[])[0])).toEqual([
      ...['fire', 'open', 'failure', 'fire', 'reject'],
      ...['halfOpen', 'fire', 'close', 'success'],
    ]);
  });

  it('opens again after a test that failed, for its own time', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, resetTimeout: 1 });
    await push({
      [name]: { trip: { consecutiveFailures: 1 }, recovery: { openDuration: '30ms', backoffFactor: 10 } },
    });
    await outcome(breaker.fire('fail'));
    await once(breaker, 'halfOpen');
    await outcome(breaker.fire('fail'));
    expect(breaker.opened).toBe(true);
    expect(getBreaker(name).stats().retryAfterMs).toBeGreaterThan(100);
  });

  it('gives up calls after its own time, and says so as opossum does', async () => {
    const name = fresh();
    const abortController = new AbortController();
    const breaker = make(hang, { name, timeout: 86_400_000, abortController });
    await push({ [name]: { timeout: { duration: '20ms' } } });
    const events = heard(breaker);
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'ETIMEDOUT', message: /^Timed out after \d+ms$/ });
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['fire', 'timeout', 'failure']);
    expect(abortController.signal.aborted).toBe(true);
    expect(breaker.stats).toMatchObject({ timeouts: 1, failures: 1 });
  });

  it('limits how many calls are under way', async () => {
    const name = fresh();
    const breaker = make(hang, { name, timeout: false });
    await push({ [name]: { concurrency: { maxConcurrent: 1 } } });
    const events = heard(breaker);
    void breaker.fire();
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'ESEMLOCKED', message: 'Semaphore locked' });
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['fire', 'fire', 'semaphoreLocked', 'failure']);
    expect(breaker.stats.semaphoreRejections).toBe(1);
  });

  it('tries again what failed, and counts one call', async () => {
    const name = fresh();
    let attempts = 0;
    const action = async () => {
      attempts++;
      if (attempts === 1) throw new Error('not yet');
      return attempts;
    };
    const breaker = make(action, { name });
    await push({
      [name]: { retry: { maxAttempts: 2, backoff: { initial: '1ms', jitterPercent: 0 }, budgetPercent: 100 } },
    });
    const events = heard(breaker);
    expect(await breaker.fire()).toBe(2);
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['fire', 'success']);
  });

  it('opens nothing where its mode is Disabled, and lets calls pass where it is Shadow', async () => {
    const [disabled, shadow] = [fresh(), fresh()];
    const off = make(failIfTold, { name: disabled, errorThresholdPercentage: 0 });
    const shadowed = make(failIfTold, { name: shadow, errorThresholdPercentage: 0 });
    const trip = { consecutiveFailures: 1 };
    await push({ [disabled]: { mode: 'Disabled', trip }, [shadow]: { mode: 'Shadow', trip } });
    for (const breaker of [off, shadowed]) await outcome(breaker.fire('fail'));
    expect([off.closed, shadowed.opened]).toEqual([true, true]);
    expect(await Promise.all([off.fire('ok'), shadowed.fire('passes')])).toEqual(['ok', 'passes']);
    expect(getBreaker(shadow).stats().totals).toMatchObject({ shadowRejected: 1 });
  });

  it('judges by its own classification, and never counts what errorFilter takes for a success', async () => {
    const name = fresh();
    const action = async (status: unknown) => {
      throw Object.assign(new Error('http'), { status });
    };
    const breaker = make(action, { name, errorFilter: ({ status }) => status === 503 });
    await push({ [name]: { trip: { failureCount: 1 } } });
    const events = heard(breaker);
    for (const status of [404, 503]) await expect(breaker.fire(status)).rejects.toMatchObject({ status });
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['fire', 'failure', 'fire', 'success']);
    expect(breaker.closed).toBe(true);
    await outcome(breaker.fire(500));
    expect(breaker.opened).toBe(true);
  });

  it('takes the rejection of a breaker inside the action for a failure of the action', async () => {
    const [name, inner] = [fresh(), fresh()];
    const breaker = make(() => getBreaker(inner).execute(async () => 'ok'), { name });
    getBreaker(inner).forceOpen({ for: '1h', reason: 'test' });
    await push({ [name]: { trip: { consecutiveFailures: 2 } } });
    const events = heard(breaker);
    await expect(breaker.fire()).rejects.toMatchObject({ code: 'ERR_FUSEBOARD_OPEN', breaker: inner });
    expect(events.map((event) => (event as unknown[])[0])).toEqual(['fire', 'failure']);
  });

  it('keeps cache, shared calls and fallback of the code', async () => {
    const name = fresh();
    let calls = 0;
    const action = async (what: unknown) => {
      calls++;
      return failIfTold(what);
    };
    const breaker = make(action, { name, cache: true, coalesce: true }).fallback(() => 'fallback');
    await push({ [name]: { trip: { consecutiveFailures: 1 } } });
    expect(await Promise.all([breaker.fire('a'), breaker.fire('a')])).toEqual(['a', 'a']);
    expect(await breaker.fire('a')).toBe('a');
    expect(calls).toBe(1);
    expect(await breaker.fire('fail')).toBe('fallback');
    expect(await breaker.fire('b')).toBe('fallback');
    expect(breaker.stats).toMatchObject({ cacheHits: 1, coalesceCacheHits: 1, rejects: 1, fallbacks: 2 });
    breaker.close();
    expect(await breaker.fire('b')).toBe('b');
  });

  it('takes over from the options with the state as it is, and hands back to them', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, resetTimeout: 86_400_000 });
    await outcome(breaker.fire('fail'));
    const events = heard(breaker);
    await push({ [name]: { trip: { consecutiveFailures: 2 }, recovery: { openDuration: '24h' } } });
    expect(breaker.opened).toBe(true);
    breaker.close();
    await outcome(breaker.fire('fail'));
    expect(breaker.closed).toBe(true);
    await push({});
    await outcome(breaker.fire('fail'));
    expect(breaker.opened).toBe(true);
    expect(events.map((event) => (event as unknown[])[0])).toEqual([
      ...['close', 'fire', 'failure'],
      ...['fire', 'failure', 'open'],
    ]);
  });

  it('decides how long a circuit stays open that the options had opened', async () => {
    const [shorter, longer, disabled] = [fresh(), fresh(), fresh()];
    const options = { resetTimeout: 86_400_000 };
    const breakers = [shorter, longer, disabled].map((name) => make(failIfTold, { ...options, name }));
    for (const breaker of breakers) await outcome(breaker.fire('fail'));
    const halfOpen = once(breakers[0]!, 'halfOpen');
    await push({
      [shorter]: { recovery: { openDuration: '20ms' } },
      [longer]: { recovery: { openDuration: '1h' } },
      [disabled]: { mode: 'Disabled' },
    });
    expect(await outcome(breakers[2]!.fire('ok'))).toEqual(['resolved', 'ok']);
    await halfOpen;
    expect(breakers.map(({ closed, opened }) => [closed, opened])).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
    expect(getBreaker(longer).stats().retryAfterMs).toBeLessThanOrEqual(3_600_000);
  });

  it('gives open() its open time', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, resetTimeout: 86_400_000 });
    await push({ [name]: { recovery: { openDuration: '30ms' } } });
    breaker.open();
    expect(breaker.opened).toBe(true);
    await once(breaker, 'halfOpen');
    expect(await breaker.fire('ok')).toBe('ok');
    expect(breaker.closed).toBe(true);
  });

  it('is notified when an edit shortens the open duration', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name });
    const trip = { consecutiveFailures: 1 };
    await push({ [name]: { trip, recovery: { openDuration: '1h' } } });
    await outcome(breaker.fire('fail'));
    const halfOpen = once(breaker, 'halfOpen');
    await push({ [name]: { trip, recovery: { openDuration: '50ms' } } });
    await halfOpen;
    expect(breaker.halfOpen).toBe(true);
  });

  it('governs breakers of one name each by itself', async () => {
    const name = fresh();
    const breakers = [1, 2].map(() => make(failIfTold, { name }));
    await push({ [name]: { trip: { consecutiveFailures: 1 } } });
    await outcome(breakers[1]!.fire('fail'));
    expect(breakers.map(({ opened }) => opened)).toEqual([false, true]);
  });

  it('finds a name that policies cannot spell by one that they can', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name: `${name} (EU)` });
    await push({ [`${name}-EU-`]: { trip: { consecutiveFailures: 2 } } });
    await outcome(breaker.fire('fail'));
    expect([breaker.name, breaker.closed]).toEqual([`${name} (EU)`, true]);
  });

  it('governs breakers without a name as opossum', async () => {
    const breaker = make(async (what) => failIfTold(what));
    await push({ opossum: { trip: { consecutiveFailures: 2 } } });
    await outcome(breaker.fire('fail'));
    expect(breaker.closed).toBe(true);
  });
});

describe('a policy for the group of breakers', () => {
  it('governs each of them by itself', async () => {
    const group = fresh();
    const breakers = [1, 2].map(() => make(failIfTold, { name: fresh(), group, errorThresholdPercentage: 0 }));
    await push({ [group]: { trip: { consecutiveFailures: 2 } } });
    for (let i = 0; i < 2; i++) await outcome(breakers[0]!.fire('fail'));
    await outcome(breakers[1]!.fire('fail'));
    expect(breakers.map(({ opened }) => opened)).toEqual([true, false]);
  });

  it('stands back behind one for the name, and what is open stays open', async () => {
    const [name, group] = [fresh(), fresh()];
    const breaker = make(failIfTold, { name, group });
    const events = heard(breaker);
    const byGroup = { trip: { consecutiveFailures: 1 } };
    await push({ [group]: byGroup });
    await outcome(breaker.fire('fail'));
    expect(breaker.opened).toBe(true);
    await push({ [group]: byGroup, [name]: { trip: { consecutiveFailures: 2 } } });
    expect(breaker.opened).toBe(true);
    breaker.close();
    await outcome(breaker.fire('fail'));
    expect(breaker.closed).toBe(true);
    await push({ [group]: byGroup });
    expect(breaker.closed).toBe(true);
    expect(events.map((event) => (event as unknown[])[0])).toEqual([
      ...['fire', 'open', 'failure', 'close', 'fire', 'failure'],
    ]);
  });
});

describe('an operator', () => {
  it('sees a breaker by its name, what governs it and what it did', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, volumeThreshold: 9 });
    await breaker.fire('ok');
    await outcome(breaker.fire('fail'));
    await push({ [name]: { trip: { consecutiveFailures: 1 } } });
    await outcome(breaker.fire('fail'));
    const seen = () => plane.reports.flatMap(({ breakers }) => breakers ?? []).filter((each) => each.name === name);
    await plane.until(() => seen().some((each) => each.state === 'open'));
    expect(seen().at(-1)).toMatchObject({ state: 'open', uid: `uid-${name}`, totals: { succeeded: 1, failed: 2 } });
  });

  it('is told why the options opened a circuit', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, errorThresholdPercentage: 40, resetTimeout: 60_000 });
    await breaker.fire('ok');
    const transitions: unknown[] = [];
    getBreaker(name).on('transition', ({ to, reason, detail }) => transitions.push([to, reason, detail]));
    await outcome(breaker.fire('fail'));
    expect(transitions).toEqual([['open', 'forced-open', '1 failures in 2 calls, errorThresholdPercentage 40']]);
    expect(getBreaker(name).stats()).toMatchObject({ state: 'open', source: 'defaults' });
    expect(getBreaker(name).stats().retryAfterMs).toBeGreaterThan(50_000);
  });

  it('forces a breaker open with an override, and releases it, whatever its options are', async () => {
    const name = fresh();
    const breaker = make(failIfTold, { name, resetTimeout: 1 });
    const send = (event: string, content: unknown) => `event: ${event}\ndata: ${JSON.stringify(content)}\n\n`;
    const patch = (revision: string, base: string, ...frames: string[]) =>
      [send('begin', { kind: 'patch', base, revision, now: Date.now() }), ...frames, send('commit', { revision })].join(
        '',
      );
    await push({});
    const [createdAt, expiresAt] = [Date.now(), Date.now() + 3_600_000];
    const override = {
      uid: 'hold',
      name: 'hold',
      breakers: [name],
      action: 'ForceOpen',
      reason: 'why',
      createdAt,
      expiresAt,
    };
    const opened = once(breaker, 'open');
    plane.send(patch('with', plane.revision, send('override', override)));
    await opened;
    breaker.close();
    expect(await outcome(breaker.fire('ok'))).toEqual([
      'rejected',
      { message: 'Breaker is open', code: 'EOPENBREAKER' },
    ]);
    const halfOpen = once(breaker, 'halfOpen');
    plane.send(patch('without', 'with', send('remove', { uid: 'hold' })));
    await halfOpen;
    expect(await breaker.fire('ok')).toBe('ok');
    expect(breaker.closed).toBe(true);
  });
});
