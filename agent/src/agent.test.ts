import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type FailureEvent, getBreaker, type StartOptions, start } from './index.ts';
import { FakeControlPlane } from './testing/testing.ts';

let plane: FakeControlPlane;
const warn = () => {};
const policy = (name: string) => ({ name, spec: { breakers: [name], trip: { consecutiveFailures: 3 } } });

beforeEach(async () => {
  plane = await FakeControlPlane.start();
});
afterEach(async () => {
  await start({ url: plane.url, warn }).stop({ flushMs: 0 });
  await plane.stop();
});

describe('the first getBreaker', () => {
  it('connects by itself, and a later start takes over without a goodbye', async () => {
    const first = await FakeControlPlane.start();
    first.push([policy('lazy')]);
    process.env.FUSEBOARD_URL = first.url;
    const breaker = getBreaker('lazy');
    delete process.env.FUSEBOARD_URL;
    await first.until((p) => p.reports.length > 0);
    expect(breaker.stats().source).toBe('policy');
    expect(await start({ url: plane.url, warn }).ready()).toBe('Live');
    await first.until((p) => p.streams.length === 0);
    expect(first.reports.some(({ bye }) => bye)).toBe(false);
    expect(plane.connections[0]?.query.get('boot')).toBe(first.connections[0]?.query.get('boot'));
    await first.stop();
  });
});

describe('start', () => {
  it('gives the breakers that code asked for earlier their policies', async () => {
    const breaker = getBreaker('earlier');
    plane.push([policy('earlier')]);
    const agent = start({ url: plane.url, warn });
    expect(agent.state).toBe('Defaults');
    expect(await agent.ready({ timeout: '10s' })).toBe('Live');
    expect(breaker.stats().source).toBe('policy');
  });

  it('again with the same options is the same agent, with others an error until it is stopped', async () => {
    const labels = { app: 'shop', tier: 'web' };
    const agent = start({ url: plane.url, labels, warn });
    expect(await start({ url: plane.url, labels, warn }).ready()).toBe('Live');
    const reordered = { warn, labels: { tier: 'web', app: 'shop' }, service: undefined, url: plane.url };
    expect(await start(reordered as StartOptions).ready()).toBe('Live');
    const refused = (other: StartOptions) => () => start({ url: plane.url, labels, warn, ...other });
    for (const other of [{ service: 'another' }, { labels: { ...labels, tier: 'db' } }, { warn: () => {} }]) {
      expect(refused(other)).toThrow(/already called with other options/);
    }
    await agent.stop();
    await plane.until((p) => p.streams.length === 0);
    expect(plane.reports.at(-1)).toMatchObject({ bye: true });
    expect(await start({ url: plane.url, warn }).ready()).toBe('Live');
  });

  it('limits the process by a guard, which is logged once, shown, and reported', async () => {
    const warnings: string[] = [];
    const options = {
      url: plane.url,
      warn: (message: string) => void warnings.push(message),
      guard: { minTimeout: '200ms', neverForceOpen: true },
    };
    plane.push([{ name: 'fast', spec: { breakers: ['fast'], timeout: { duration: '5ms' } } }]);
    const breaker = getBreaker('fast');
    const agent = start(options);
    await agent.ready();
    const override = { uid: 'o', name: 'stop', breakers: ['fast'], action: 'ForceOpen', reason: 'why', createdAt: 1 };
    const frames = [
      ['begin', { kind: 'patch', base: plane.revision, revision: 'x', now: 1_000 }],
      ['override', { ...override, expiresAt: 61_000 }],
      ['commit', { revision: 'x' }],
    ];
    plane.send(frames.map(([event, content]) => `event: ${event}\ndata: ${JSON.stringify(content)}\n\n`).join(''));
    const guarded = [
      { uid: 'uid-fast', by: 'minTimeout', limit: '200ms' },
      { uid: 'o', by: 'neverForceOpen' },
    ];
    await plane.until((p) => JSON.stringify(p.reports.at(-1)?.guarded) === JSON.stringify(guarded));
    expect(plane.reports.at(-1)).not.toHaveProperty('overrides');
    expect(breaker.stats()).toMatchObject({ state: 'closed', guardedBy: ['minTimeout', 'neverForceOpen'] });
    plane.push([{ name: 'fast', spec: { breakers: ['fast'], timeout: { duration: '4ms' } } }]);
    await plane.until((p) => p.reports.at(-1)?.revision === p.revision);
    expect(warnings.filter((text) => text.includes('guard'))).toEqual([
      'the guard of this service limits policy "fast" by minTimeout 200ms',
      'the guard of this service limits override "stop" by neverForceOpen',
    ]);
    await agent.stop();
    expect(breaker.stats().guardedBy).toEqual(['minTimeout']);
    await start({ url: plane.url, warn }).ready();
    expect(breaker.stats().guardedBy).toBeUndefined();
  });

  it.each([
    [{ maxOpenDurration: '1m' }, TypeError, 'guard has no field "maxOpenDurration"; did you mean maxOpenDuration?'],
    [{ zzzzzzzz: 1 }, TypeError, 'guard has no field "zzzzzzzz"; it has maxOpenDuration, minTimeout, neverForceOpen'],
    [
      { minTimeout: 5 },
      TypeError,
      'minTimeout of guard must be a duration such as 500ms or 2m, from 1ms to 24h; it is 5',
    ],
    [
      { maxOpenDuration: '25h' },
      TypeError,
      'maxOpenDuration of guard must be a duration such as 500ms or 2m, from 1ms to 24h; it is "25h"',
    ],
    [{ neverForceOpen: 'yes' }, TypeError, 'neverForceOpen of guard must be a boolean; it is "yes"'],
    ['1m', TypeError, 'the options of guard must be an object; it is "1m"'],
  ])('refuses the guard %o', (guard, kind, message) => {
    const refused = () => start({ url: plane.url, warn, guard: guard as never });
    expect(refused).toThrow(kind);
    expect(refused).toThrow(message);
  });

  it('again continues counting where the last start ended', async () => {
    const breaker = getBreaker('counted');
    breaker.enter()?.succeed();
    const counted = () => plane.reports.at(-1)?.breakers.find(({ name }) => name === 'counted');
    const first = start({ url: plane.url, warn });
    await first.ready();
    await first.stop();
    expect(counted()).toMatchObject({ totals: { succeeded: 1 } });
    const { boot, sequence } = plane.reports.at(-1)!;
    const second = start({ url: plane.url, warn });
    await second.ready();
    await second.stop();
    expect(counted()).toMatchObject({ totals: { succeeded: 1 }, base: { succeeded: 1 } });
    expect(plane.reports.at(-1)?.boot).toBe(boot);
    expect(plane.reports.at(-1)?.sequence).toBeGreaterThan(sequence);
  });

  it.each(['soon', '', 5, null])(
    'reports the timeout %j, which is no duration, and waits all the same',
    async (timeout) => {
      plane.push([policy('waited')]);
      const warnings: string[] = [];
      const agent = start({ url: plane.url, warn: (message) => warnings.push(message) });
      expect(await agent.ready({ timeout: timeout as string })).toBe('Live');
      expect(warnings).toContainEqual(
        `timeout of ready must be a duration such as 2s or 500ms; it is ${JSON.stringify(timeout)}; the default applies`,
      );
      await agent.stop();
    },
  );

  it('waits even where the logger throws', async () => {
    const broken = () => {
      throw new Error('no disk');
    };
    const agent = start({ url: plane.url, warn: broken });
    expect(await agent.ready({ timeout: 'soon' })).toBe('Live');
    await agent.stop();
  });

  it('gives a handle that does not stop what was started after it was stopped', async () => {
    const options = { url: plane.url, warn };
    const first = start(options);
    await first.ready();
    await first.stop();
    const second = start(options);
    expect(await second.ready()).toBe('Live');
    await first.stop();
    expect(second.state).toBe('Live');
    expect(plane.streams).toHaveLength(1);
    await second.stop();
    await plane.until((p) => p.streams.length === 0);
  });

  it('tells of failures as long as somebody listens', async () => {
    const agent = start({ url: plane.url, warn });
    const events: FailureEvent[] = [];
    const off = agent.on('failure', (event) => events.push(event));
    const breaker = getBreaker('told', { defaults: { trip: { consecutiveFailures: 9 } } });
    const fail = (error: unknown) => breaker.execute(() => Promise.reject(error)).catch(() => {});
    await fail(new RangeError('x'.repeat(300), { cause: new Error('why') }));
    await breaker.for('a').execute(async () => new Response(null, { status: 503 }));
    breaker.enter()?.fail();
    await breaker.execute(async () => 1);
    await breaker.execute(async () => 1, { signal: AbortSignal.abort() }).catch(() => {});
    const tookMs = expect.any(Number);
    expect(events).toEqual([
      { breaker: 'told', outcome: 'failure', error: { name: 'RangeError', message: `${'x'.repeat(200)}…` }, tookMs },
      { breaker: 'told', key: 'a', outcome: 'failure', error: { name: 'Response', message: 'HTTP 503' }, tookMs },
      { breaker: 'told', outcome: 'failure', tookMs },
    ]);
    off();
    await fail(new Error('unheard'));
    expect(events).toHaveLength(3);
  });

  it('leaves a call alone whose failure a listener cannot hear', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const off = start({ url: plane.url, warn }).on('failure', () => {
      throw new Error('deaf');
    });
    const breaker = getBreaker('deaf', { defaults: { trip: { consecutiveFailures: 1 } } });
    await expect(breaker.execute(() => Promise.reject(new Error('down')))).rejects.toThrow('down');
    off();
    expect(breaker.state).toBe('open');
    expect(warned).toHaveBeenCalledWith(expect.stringContaining('a listener of failures threw: Error: deaf'), {
      code: 'FUSEBOARD_LISTENER',
    });
    warned.mockRestore();
  });

  it('has no other events than applied and failure, and says so', () => {
    const agent = start({ url: plane.url, warn });
    const listen = (event: unknown, listener: unknown = () => {}) =>
      agent.on(event as 'applied', listener as () => void);
    const message = 'an agent has no event "transition"; it has "applied" and "failure"';
    expect(() => listen('transition')).toThrow(new TypeError(message));
    expect(() => listen(undefined)).toThrow(TypeError);
    expect(() => listen('applied', 'print')).toThrow(new TypeError('on of the agent needs a listener, a function'));
  });

  it('with a wrong URL warns once and leaves the calls alone', async () => {
    await start({ url: plane.url, warn }).stop();
    const warnings: string[] = [];
    const agent = start({ url: 'localhost', warn: (message) => warnings.push(message) });
    expect(await agent.ready({ timeout: '1ms' })).toBe('Defaults');
    expect(await getBreaker('wrong').execute(async () => 'through')).toBe('through');
    expect(warnings).toEqual([expect.stringMatching(/"localhost", not the address of an operator/)]);
    await agent.stop();
  });

  it('keeps what runs when the agent is stopped', async () => {
    plane.push([policy('kept')]);
    const agent = start({ url: plane.url, warn });
    await agent.ready();
    await agent.stop();
    expect(agent.state).toBe('Defaults');
    expect(getBreaker('kept').stats().source).toBe('policy');
  });
});
