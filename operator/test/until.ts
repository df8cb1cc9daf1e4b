import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again and again until an answer is true. The test's own limit ends it. */
export async function until(what: () => unknown): Promise<void> {
  while (!(await what())) await sleep(10);
}
