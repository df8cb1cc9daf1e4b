import { start } from '@fuseboard/agent';
import { breakerAdapter } from '@fuseboard/agent/axios';
import { breakerStates } from '@fuseboard/agent/express';
import { breakerFetch } from '@fuseboard/agent/fetch';
import { grpcInterceptor } from '@fuseboard/agent/grpc';
import { logTransitions, warnInto } from '@fuseboard/agent/logger';
import { FuseboardModule, UseBreaker } from '@fuseboard/agent/nestjs';
import { markSpans, observeInto } from '@fuseboard/agent/opentelemetry';
import { collectInto } from '@fuseboard/agent/prom-client';
import { record } from '@fuseboard/agent/recording';
import { sendToStatsd } from '@fuseboard/agent/statsd';
import { memoryStore, redisStore, shareState } from '@fuseboard/agent/store';
import { createBreaker, FakeControlPlane, ReplayBreaker, useClock } from '@fuseboard/agent/testing';
import { breakerInterceptor } from '@fuseboard/agent/undici';
import { expect, it, jest } from '@jest/globals';

/** Passes wrong arguments, as JavaScript may. */
// biome-ignore lint/suspicious/noExplicitAny: any accepts every wrong value.
const any = (value: unknown): any => value;
const sink = { write() {} };
const breaker = createBreaker({});
const register = { registerMetric() {} };
const adapter = async () => any(undefined);
const spec = any({ trip: { consecutiveFailure: 1 } });

it.each<[entry: string, call: () => unknown, message: string]>([
  ['start', () => start(any({ adress: 'http://127.0.0.1:1' })), 'start has no field "adress"; did you mean url?'],
  ['start', () => start(any({ servise: 'a' })), 'start has no field "servise"; did you mean service?'],
  ['start', () => start(any({ token: 'a' })), 'start has no field "token"; did you mean tokenFile?'],
  ['start', () => start(any({ warn: 'a' })), 'warn of start must be a function; it is "a"'],
  ['start', () => start(any({ url: new URL('http://a') })), 'url of start must be a string; it is of type object'],
  ['start', () => start(any({ labels: 'a=b' })), 'labels of start must be an object of strings; it is "a=b"'],
  [
    'start',
    () => start(any({ labels: { a: 1 } })),
    'labels of start must be an object of strings; it is of type object',
  ],
  ['start', () => start(any({ guard: null })), 'guard of start must be an object; it is null'],
  ['start', () => start(any('http://a')), 'the options of start must be an object; it is "http://a"'],
  ['record', () => record(sink, any({ shares: 1 })), 'record has no field "shares"; did you mean share?'],
  ['record', () => record(sink, any({ share: '1' })), 'share of record must be a number; it is "1"'],
  ['record', () => record(any({ write() {}, writeSync: 5 })), 'the sink of record must have a method writeSync'],
  ['markSpans', () => markSpans(any({})), 'the trace of markSpans must have a method getActiveSpan'],
  [
    'observeInto',
    () => observeInto(any(5)),
    'the meter of observeInto must have a method createObservableGauge; it is 5',
  ],
  ['collectInto', () => collectInto(any({})), 'the registry of collectInto must have a method registerMetric'],
  [
    'collectInto',
    () => collectInto(register, any({ prefx: '' })),
    'collectInto has no field "prefx"; did you mean prefix?',
  ],
  ['sendToStatsd', () => sendToStatsd(any({ hosts: '' })), 'sendToStatsd has no field "hosts"; did you mean host?'],
  ['sendToStatsd', () => sendToStatsd({ port: 70_000 }), 'port of sendToStatsd must be a port; it is 70000'],
  [
    'sendToStatsd',
    () => sendToStatsd({ format: any('dog') }),
    "format of sendToStatsd must be 'plain' or 'tags'; it is",
  ],
  ['sendToStatsd', () => sendToStatsd({ intervalMs: any('1s') }), 'intervalMs of sendToStatsd must be a number from 1'],
  ['sendToStatsd', () => sendToStatsd({ maxPacketBytes: Number.NaN }), 'maxPacketBytes of sendToStatsd must be'],
  ['logTransitions', () => logTransitions(any(console.log)), 'the logger of logTransitions must have a method info'],
  ['warnInto', () => warnInto(any(undefined)), 'the logger of warnInto must have a method warn; it is undefined'],
  ['shareState', () => shareState(any({})), 'the store of shareState must have a method put'],
  [
    'shareState',
    () => shareState(memoryStore(), any({ ttl: 5 })),
    'shareState has no field "ttl"; did you mean ttlMs?',
  ],
  [
    'shareState',
    () => shareState(memoryStore(), any({ breakers: 'a' })),
    'breakers of shareState must be a list of names',
  ],
  [
    'shareState',
    () => shareState(memoryStore(), any({ minimumMembers: '2' })),
    'minimumMembers of shareState must be a',
  ],
  ['memoryStore', () => memoryStore(any({ clock: 5 })), 'memoryStore has no field "clock"'],
  ['redisStore', () => redisStore(any(undefined)), 'the client of redisStore must have a method sendCommand'],
  [
    'redisStore',
    () => redisStore(any({ call() {} }), any({ prefix: 5 })),
    'prefix of redisStore must be a string; it is 5',
  ],
  [
    'breakerFetch',
    () => breakerFetch('a', any({ retries: 1 })),
    'breakerFetch has no field "retries"; did you mean retry?',
  ],
  ['breakerFetch', () => breakerFetch('a', any({ fetch: 5 })), 'fetch of breakerFetch must be a function; it is 5'],
  ['breakerAdapter', () => breakerAdapter('a', adapter, any({ retry: 3 })), "retry of breakerAdapter must be 'safe', "],
  [
    'breakerInterceptor',
    () => breakerInterceptor('a', any({ retri: 1 })),
    'breakerInterceptor has no field "retri"; did',
  ],
  [
    'grpcInterceptor',
    () => grpcInterceptor('a', any({ retry: 'safe' })),
    "retry of grpcInterceptor must be 'always', ",
  ],
  [
    'breakerStates',
    () => breakerStates(any({ limit: '5' })),
    'limit of breakerStates must be a number from 0; it is "5"',
  ],
  [
    'FuseboardModule',
    () => FuseboardModule.register(any({ breaker: [] })),
    'register has no field "breaker"; did you mean',
  ],
  ['UseBreaker', () => UseBreaker('a', any({ fallback: () => 1 })), 'fallback of UseBreaker must be a string'],
  ['UseBreaker', () => UseBreaker('a', any({ falback: 'b' })), 'getBreaker of breaker "a" has no field "falback"'],
  [
    'createBreaker',
    () => createBreaker({}, any({ clok: 5 })),
    'createBreaker has no field "clok"; did you mean clock?',
  ],
  [
    'createBreaker',
    () => createBreaker({}, any({ clock: 5 })),
    'clock of createBreaker must be an object with a method',
  ],
  ['apply', () => breaker.apply(spec), 'trip of breaker "test" has no field "consecutiveFailure"; did you mean'],
  ['useClock', () => useClock(any(5)), 'the clock of useClock must have a method now; it is 5'],
  ['ReplayBreaker', () => new ReplayBreaker(spec), 'trip of breaker "replay" has no field "consecutiveFailure"; did'],
  ['ReplayBreaker', () => new ReplayBreaker({}, any({ start: 0 })), 'ReplayBreaker has no field "start"; did you mean'],
  ['FakeControlPlane', () => FakeControlPlane.start(any({ prot: 5 })), 'start has no field "prot"; did you mean port?'],
  ['wrap', () => breaker.wrap(adapter, any({ context: true })), 'wrap of breaker "test" has no field "context"'],
  [
    'executeSync',
    () => breaker.executeSync(() => 1, any({ retry: true })),
    'breaker "test": a call has no field "retry"',
  ],
  ['forceOpen', () => breaker.forceOpen(any({ for: '1m', reson: 'a' })), 'has no field "reson"; did you mean reason?'],
  ['forceClosed', () => breaker.forceClosed(any(undefined)), 'the options of forceClosed of breaker "test" must be an'],
  [
    'execute',
    () => breaker.execute(adapter, any({ policyFallback: { key: 'a', parse: String, copi: false } })),
    'breaker "test": policyFallback of a call has no field "copi"; did you mean copy?',
  ],
])('%s refuses what it would ignore', async (_entry, call, message) => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  await expect((async () => call())()).rejects.toThrow(TypeError);
  await expect((async () => call())()).rejects.toThrow(message);
  warn.mockRestore();
});

it('warns of wrong options where a service starts or ends, and continues', async () => {
  const warnings: string[] = [];
  const agent = start({ warn: (message) => warnings.push(message) });
  expect(await agent.ready(any({ timeoutMs: 5 }))).toBe('Defaults');
  expect(await agent.ready(any('5s'))).toBe('Defaults');
  await agent.stop(any({ flushMs: '5' }));
  expect(warnings).toEqual([
    'ready has no field "timeoutMs"; did you mean timeout?; the default applies',
    'the options of ready must be an object; it is "5s"; the default applies',
    'flushMs of stop must be a number of milliseconds; it is "5"; the default applies',
  ]);
});
