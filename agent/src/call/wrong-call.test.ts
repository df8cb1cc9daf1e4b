import { expect, it } from '@jest/globals';
import { createBreaker } from '../testing/testing.ts';

const thrown = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call();
  } catch (error) {
    return error;
  }
};

it.each<[string, (breaker: ReturnType<typeof createBreaker>) => unknown, RegExp]>([
  ['a promise', (breaker) => breaker.execute(Promise.resolve(1) as never), /was given a promise, .*give a function/],
  ['nothing', (breaker) => breaker.execute(undefined as never), /was given undefined; give a function/],
  [
    'no function to call at once',
    (breaker) => breaker.executeSync(5 as never),
    /executeSync of breaker "test" was given 5/,
  ],
  [
    'a fallback that is no function',
    (breaker) => breaker.execute(async () => 1, { fallback: 5 as never }),
    /breaker "test": fallback of a call must be a function; it is 5/,
  ],
  ['the same at once', (breaker) => breaker.executeSync(() => 1, { fallback: 5 as never }), /fallback of a call/],
  [
    'a signal that is none',
    (breaker) => breaker.execute(async () => 1, { signal: {} as never }),
    /signal of a call must be an AbortSignal/,
  ],
  [
    'a policyFallback without parse',
    (breaker) => breaker.execute(async () => 1, { policyFallback: { key: 'a' } as never }),
    /policyFallback of a call/,
  ],
  [
    'a misspelt option',
    (breaker) => breaker.execute(async () => 1, { falback: () => 1 } as never),
    /no field "falback"; did you mean fallback\?/,
  ],
  [
    'arguments in place of options',
    (breaker) => breaker.execute(async () => 1, 'id' as never),
    /the options of a call must be an object; it is "id"/,
  ],
  ['nothing to wrap', (breaker) => breaker.wrap(undefined as never), /wrap of breaker "test" needs a function/],
  ['no listener', (breaker) => breaker.on('transition', undefined as never), /on of breaker "test" needs a listener/],
])('refuses %s with a TypeError, and counts nothing', async (_, call, message) => {
  const breaker = createBreaker({ trip: { consecutiveFailures: 1 }, timeout: { duration: '1s' } });
  const error = await thrown(() => call(breaker));
  expect(error).toBeInstanceOf(TypeError);
  expect((error as Error).message).toMatch(message);
  expect(Object.values(breaker.stats().totals).every((count) => count === 0)).toBe(true);
  expect(breaker.state).toBe('closed');
});
