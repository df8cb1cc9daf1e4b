import type { Breaker } from '../src/breakers/breaker.ts';
import type { Call } from '../src/call/context.ts';
import { createBreaker } from '../src/testing/testing.ts';

/**
 * A breaker that makes every call twice, unless it may not be retried, and throws the body of the first answer away as
 * a retry does.
 */
export function retrying(): Breaker {
  const breaker = createBreaker({});
  const execute = async (fn: Call<unknown>, options?: { retry?: boolean }): Promise<unknown> => {
    if (options?.retry === false) return breaker.execute(fn, options);
    const first = (await breaker.execute(fn, options)) as { body?: { cancel(): unknown } };
    await first.body?.cancel();
    return breaker.execute(fn, options);
  };
  return Object.assign(Object.create(breaker) as Breaker, { execute });
}
