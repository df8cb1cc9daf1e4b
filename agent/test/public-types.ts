/** What the types of the public interface promise; compiled with everything else, never run. */
import { type Breaker, type CallContext, getBreaker, type Permit, start } from '@fuseboard/agent';
import { breakerFetch } from '@fuseboard/agent/fetch';
import { createBreaker, FakeClock } from '@fuseboard/agent/testing';
import { fetch as undiciFetch } from 'undici';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
const same = <A, B>(_: Equal<A, B>): void => {};

const breaker = getBreaker('payments');
same<typeof breaker, Breaker>(true);
// @ts-expect-error the check itself tells types apart
same<number, string>(true);

export async function results(): Promise<void> {
  const plain = breaker.execute(async () => 5);
  same<typeof plain, Promise<number>>(true);

  const immediate = breaker.execute(() => 'now');
  same<typeof immediate, Promise<string>>(true);

  const either = breaker.execute(async () => 5, { fallback: () => 'cold' as const });
  same<typeof either, Promise<number | 'cold'>>(true);

  const later = breaker.execute(async () => 5, { fallback: async () => null });
  same<typeof later, Promise<number | null>>(true);

  const none = breaker.execute(async () => 5, { signal: AbortSignal.abort() });
  same<typeof none, Promise<number>>(true);

  const sync = breaker.executeSync(() => 5, { fallback: () => false });
  same<typeof sync, number | boolean>(true);

  // @ts-expect-error a result is not of another type than the function's
  const wrong: Promise<string> = breaker.execute(async () => 5);
  await wrong;

  // @ts-expect-error a fallback's answer is part of the result
  const hidden: Promise<number> = breaker.execute(async () => 5, { fallback: () => 'cold' });
  await hidden;
}

export function contexts(): void {
  breaker.execute((context) => {
    same<typeof context, CallContext>(true);
    // @ts-expect-error a call cannot replace its signal
    context.signal = new AbortController().signal;
    return fetch('http://127.0.0.1', { signal: context.signal });
  });
  breaker.execute(async () => 5, {
    fallback: (error) => {
      same<typeof error, unknown>(true);
      return 0;
    },
  });
  // @ts-expect-error a fallback is a function
  breaker.execute(async () => 5, { fallback: 'cold' });
  // @ts-expect-error without a function there is nothing to call
  breaker.execute();
}

function load(id: number): Promise<number>;
function load(name: string): Promise<string>;
async function load(key: number | string): Promise<number | string> {
  return key;
}

class Client {
  readonly base = 'http://127.0.0.1';
  async get(this: Client, path: string): Promise<string> {
    return this.base + path;
  }
}

export function wrapped(): void {
  const guarded = breaker.wrap(load);
  same<typeof guarded, typeof load>(true);
  const byId = guarded(1);
  same<typeof byId, Promise<number>>(true);
  const byName = guarded('a');
  same<typeof byName, Promise<string>>(true);
  // @ts-expect-error no overload takes this
  guarded(true);

  const get = breaker.wrap(Client.prototype.get);
  get.call(new Client(), '/');
  // @ts-expect-error the function needs its object
  get('/');
  // @ts-expect-error wrap is for functions that return a promise
  breaker.wrap(() => 5);
}

export function permits(): void {
  const permit = breaker.enter();
  same<typeof permit, Permit | null>(true);
  // @ts-expect-error an open circuit gives no permit
  permit.succeed();
  permit?.fail(new Error('down'));
}

export function events(): void {
  const off = breaker.on('transition', ({ from, to }) => {
    same<typeof from, 'closed' | 'open' | 'half-open'>(true);
    // @ts-expect-error there is no such state
    return to === 'broken';
  });
  same<typeof off, () => void>(true);
  // @ts-expect-error there is no such event
  breaker.on('close', () => {});
}

export function policies(): void {
  getBreaker('a', { defaults: { trip: { consecutiveFailures: 5 }, recovery: { openDuration: '30s' } } });
  // @ts-expect-error a threshold is a number
  getBreaker('a', { defaults: { trip: { consecutiveFailures: '5' } } });
  // @ts-expect-error a duration is a string with its unit
  getBreaker('a', { defaults: { recovery: { openDuration: 30_000 } } });
  // @ts-expect-error a misspelt field is refused
  getBreaker('a', { defaults: { trips: {} } });

  const test = createBreaker({ trip: { consecutiveFailures: 1 } }, { clock: new FakeClock() });
  test.apply({ mode: 'Shadow' });
  // @ts-expect-error there is no such mode
  test.apply({ mode: 'Off' });
  // @ts-expect-error a clock can be read
  createBreaker({}, { clock: {} });
}

export function agents(): void {
  const agent = start({ service: 'checkout', labels: { app: 'checkout' } });
  same<ReturnType<typeof agent.ready>, Promise<typeof agent.state>>(true);
  // @ts-expect-error labels are strings
  start({ labels: { app: 5 } });
}

interface User {
  id: string;
}
export function clients(
  load: (signal?: AbortSignal) => Promise<User>,
  signal?: AbortSignal,
  fallback?: () => User,
): void {
  breaker.execute<User>(() => load(), { fallback: () => ({ id: '0' }) });
  breaker.execute(() => load(signal), { signal, fallback });
  const guarded: typeof fetch = breakerFetch(breaker);
  breakerFetch(breaker, { fetch: undiciFetch });
  guarded('http://127.0.0.1');
}

const defaults = {
  trip: { failureRate: { thresholdPercent: 50 }, minimumCalls: 20 },
  classify: { failure: { httpStatus: ['5xx', '429'] } },
  mode: 'Enforce',
} as const;
export const constant = getBreaker('constant', { defaults });
export const optional = (defaults?: { timeout: { duration: string } }) => getBreaker('optional', { defaults });
// @ts-expect-error a policy has no such field
getBreaker('wrong', { defaults: { tripp: {} } });
