import { expect, it } from '@jest/globals';
import { Backoff } from '../../agent/src/link/backoff.ts';
import { retryAfterScheduler } from '../../operator/src/core/rate-limit/retry-after.ts';
import { tokenBucket } from '../../operator/src/core/rate-limit/token-bucket.ts';

const AGENTS = 10_000;
const PER_SECOND = 500;
const SPREAD_MS = 1_000;

/** The same numbers in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/**
 * Plays agents that connect to a replica that is down at first, by their own rules and its; gives when each was let in
 * after it was back, in ms.
 */
function play(awayMs: number): number[] {
  const random = seeded(11);
  const clock = { time: 0, now: () => clock.time };
  const bucket = tokenBucket(PER_SECOND, clock);
  const nextRetryMs = retryAfterScheduler(PER_SECOND, clock);
  const due = new Map<number, Backoff[]>();
  const connectAt = (time: number, agent: Backoff) => {
    const at = Math.ceil(time);
    due.set(at, [...(due.get(at) ?? []), agent]);
  };
  for (let i = 0; i < AGENTS; i += 1) {
    const agent = new Backoff(random);
    connectAt(agent.next(), agent);
  }
  const taken: number[] = [];
  for (; due.size > 0; clock.time += 1) {
    for (const agent of due.get(clock.time) ?? []) {
      if (clock.time < awayMs) connectAt(clock.time + 1 + agent.next(), agent);
      else if (bucket.take()) taken.push(clock.time - awayMs);
      else connectAt(clock.time + 1 + Math.ceil(nextRetryMs() / 1_000) * 1_000 + random() * SPREAD_MS, agent);
    }
    due.delete(clock.time);
  }
  return taken;
}

it.each([1, 3, 10, 60])('lets 10,000 agents in as fast as it may, when a replica was away for %i s', (seconds) => {
  const taken = play(seconds * 1_000);
  expect(taken).toHaveLength(AGENTS);
  const soonest = (AGENTS / PER_SECOND) * 1_000;
  expect(taken.at(-1)).toBeLessThan(1.1 * soonest);
});
