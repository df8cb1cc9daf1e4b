import type { AdaptiveLimitConfig } from '../config/call-config.ts';

/** Minimum number of calls in a round. */
const MIN_ROUND = 10;
/** Rounds in a cycle; in the last two, half of the limit applies. */
const CYCLE = 16;
/** From this multiple of the baseline on, calls are taken to wait for each other in the dependency. */
const TOLERANCE = 1.5;
const DECREASE = 0.9;

/**
 * A limit of concurrent calls that follows how long successful calls take: additive increase and multiplicative
 * decrease, as AIMDLimit in Netflix's concurrency-limits. A round is as many calls as the limit. After a round whose
 * mean is above 1.5 times the baseline, the limit is a tenth lower; after any other round in which more than half of it
 * was used, it is one higher. The baseline is the mean of rounds without load. To have such rounds under full load too,
 * half of the limit applies in two of 16 rounds: in the first, the queue of the dependency drains; the second measures,
 * like the probes of BBR (Cardwell et al., 2016). There is no clock: without calls, the limit does not change.
 */
export class AdaptiveLimit {
  #config: AdaptiveLimitConfig;
  #limit: number;
  #baselineMs = 0;
  #round = 0;
  #calls = 0;
  #sumMs = 0;
  #peak = 0;

  constructor(config: AdaptiveLimitConfig) {
    this.#config = config;
    this.#limit = config.initial;
  }

  /** The limit that applies now. */
  get limit(): number {
    return this.#round < CYCLE - 2 ? this.#limit : this.#bounded(this.#limit / 2);
  }

  /** Changes the bounds; the measured baseline stays. */
  configure(config: AdaptiveLimitConfig): void {
    this.#config = config;
    this.#limit = this.#bounded(this.#limit);
  }

  /** Records a call that succeeded or timed out after `ms`. @param running calls under way, without this one. */
  record(ms: number, running: number): void {
    this.#calls++;
    this.#sumMs += ms;
    this.#peak = Math.max(this.#peak, running + 1);
    if (this.#calls >= Math.max(MIN_ROUND, this.limit)) this.#endRound(this.#sumMs / this.#calls);
  }

  #endRound(meanMs: number): void {
    const isIdle = this.#peak * 2 <= this.#limit;
    const isDrain = this.#round === CYCLE - 2;
    const isProbe = this.#round === CYCLE - 1;
    if (this.#baselineMs === 0) this.#baselineMs = meanMs;
    else if (isProbe || (isIdle && !isDrain) || this.#limit === this.#config.minConcurrent) {
      this.#baselineMs += (meanMs - this.#baselineMs) / 2;
    }
    if (!isDrain && !isProbe) {
      if (meanMs > this.#baselineMs * TOLERANCE) {
        this.#limit = this.#bounded(this.#limit * DECREASE);
      } else if (!isIdle) this.#limit = this.#bounded(this.#limit + 1);
    }
    this.#round = (this.#round + 1) % CYCLE;
    this.#calls = 0;
    this.#sumMs = 0;
    this.#peak = 0;
  }

  #bounded(limit: number): number {
    const { minConcurrent, maxConcurrent } = this.#config;
    return Math.min(Math.max(Math.floor(limit), minConcurrent), maxConcurrent);
  }
}
