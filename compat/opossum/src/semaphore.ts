import type CircuitBreaker from '../types/index.cjs';

/** A semaphore of `count` locks; `take` waits in order while none is free. */
export function semaphore(count: number): CircuitBreaker.Semaphore {
  let free = count;
  const waiting = new Set<() => void>();
  const release = (): void => {
    free++;
    const [first] = waiting;
    first?.();
  };
  const take = (timeout?: number): Promise<() => void> => {
    if (free > 0) {
      free--;
      return Promise.resolve(release);
    }
    return new Promise((resolve, reject) => {
      const timer = timeout ? setTimeout(giveUp, timeout) : undefined;
      waiting.add(grant);
      function grant(): void {
        clearTimeout(timer);
        waiting.delete(grant);
        free--;
        resolve(release);
      }
      function giveUp(): void {
        waiting.delete(grant);
        reject(Object.assign(new Error(`Timed out after ${timeout}ms`), { code: 'ETIMEDOUT' }));
      }
    });
  };
  const test = (): boolean => {
    if (free < 1) return false;
    free--;
    return true;
  };
  return {
    take,
    release,
    test,
    get count() {
      return free;
    },
  };
}
