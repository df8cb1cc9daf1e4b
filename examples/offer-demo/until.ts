import { setTimeout as sleep } from 'node:timers/promises';

export interface UntilOptions {
  /** Milliseconds after which it fails. */
  readonly within: number;
  /** Milliseconds between two looks. Absent: 25. */
  readonly every?: number;
  /** Ends the waiting. */
  readonly signal?: AbortSignal;
}

/**
 * Looks again and again until there is something to see. An error while looking counts as not yet.
 *
 * @throws Error that says what was awaited and what the last look met, once `within` is over; AbortError when it is
 * ended.
 */
export async function until<T>(
  what: string,
  check: () => Promise<T | undefined | false> | T | undefined | false,
  { within, every = 25, signal }: UntilOptions,
): Promise<T> {
  const deadline = performance.now() + within;
  let last: unknown;
  do {
    try {
      const seen = await check();
      if (seen !== undefined && seen !== false) return seen;
      last = seen;
    } catch (error) {
      last = error;
    }
    await sleep(every, undefined, signal ? { signal } : {});
  } while (performance.now() < deadline);
  throw new Error(
    `${what} did not happen within ${within / 1000} s${last instanceof Error ? `: ${last.message}` : ''}`,
  );
}
