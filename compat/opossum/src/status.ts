import { EventEmitter } from 'node:events';
import type CircuitBreaker from '../types/index.cjs';
import { COUNTS, type Count, emptyBucket, PERCENTILES, percentileOf } from './buckets.ts';
import { startInterval, type Timer } from './timers.ts';

const ROTATE = 'rotate';
/** Counts that also record a latency. */
const TIMED: readonly Count[] = ['successes', 'failures', 'timeouts'];

/**
 * The rolling statistics of a breaker: a window of buckets, the newest first. Buckets rotate when the status is read or
 * written, by the time that has passed, so an idle breaker needs no timer. Snapshots have a timer while there is a
 * listener for them.
 */
export class Status extends EventEmitter {
  readonly rollingPercentilesEnabled: boolean;
  readonly enableSnapshots: boolean;
  readonly rotateBucketController: EventEmitter | undefined;
  /** Begins a new bucket and forgets the oldest. */
  readonly rotateBucket: () => void;
  readonly #buckets: CircuitBreaker.Bucket[];
  readonly #bucketMs: number;
  #rotatedAt = performance.now();
  #snapshots: Timer | undefined;
  #isShutdown = false;

  constructor(options: CircuitBreaker.StatusOptions) {
    super();
    const count = options.rollingCountBuckets || 10;
    const windowMs = options.rollingCountTimeout || 10_000;
    this.#buckets = Array.from({ length: count }, emptyBucket);
    this.#bucketMs = Math.max(1, Math.floor(windowMs / count));
    this.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
    this.enableSnapshots = options.enableSnapshots !== false;
    this.rotateBucketController = options.rotateBucketController;
    this.rotateBucket = () => {
      this.#buckets.pop();
      this.#buckets.unshift(emptyBucket());
    };
    if (options.stats !== undefined) this.#buckets[0] = { ...emptyBucket(), ...options.stats };
    this.startListeneningForRotateEvent();
    if (this.enableSnapshots) this.#followListeners();
  }

  /** The sum of the window. */
  get stats(): CircuitBreaker.Stats {
    const sum = { ...emptyBucket(), ...this.totals(), latencyMean: -1 };
    if (!this.rollingPercentilesEnabled) {
      for (const percentile of PERCENTILES) sum.percentiles[percentile] = -1;
      return sum;
    }
    const times = this.#rotated()
      .flatMap(({ latencyTimes }) => latencyTimes ?? [])
      .sort((a, b) => a - b);
    sum.latencyTimes = times;
    sum.latencyMean = times.length === 0 ? 0 : times.reduce((a, b) => a + b, 0) / times.length;
    for (const percentile of PERCENTILES) sum.percentiles[percentile] = percentileOf(percentile, times);
    return sum;
  }

  /** The buckets, the newest first. */
  get window(): CircuitBreaker.Window {
    return this.#rotated().slice();
  }

  /** The counts of `stats`, without percentiles, which need sorting. */
  totals(): Record<Count, number> {
    const buckets = this.#rotated();
    const totals = {} as Record<Count, number>;
    for (const count of COUNTS) totals[count] = buckets.reduce((sum, bucket) => sum + (bucket[count] || 0), 0);
    return totals;
  }

  /** @param latencyMs recorded for successes, failures and timeouts. */
  increment(count: Count, latencyMs?: number): void {
    const [newest] = this.#rotated();
    newest![count]++;
    if (TIMED.includes(count)) newest!.latencyTimes.push(latencyMs || 0);
  }

  open(): void {
    this.#rotated()[0]!.isCircuitBreakerOpen = true;
  }

  close(): void {
    this.#rotated()[0]!.isCircuitBreakerOpen = false;
  }

  /** Stops timers and removes listeners. The window no longer rotates. */
  shutdown(): void {
    this.#rotate();
    this.#isShutdown = true;
    this.removeAllListeners();
    this.removeRotateBucketControllerListener();
    this.#stopSnapshots();
  }

  removeRotateBucketControllerListener(): void {
    this.rotateBucketController?.removeListener(ROTATE, this.rotateBucket);
  }

  startListeneningForRotateEvent(): void {
    const controller = this.rotateBucketController;
    if (controller === undefined || controller.listeners(ROTATE).includes(this.rotateBucket)) return;
    controller.on(ROTATE, this.rotateBucket);
  }

  /** The buckets, after those that are over were rotated out. */
  #rotated(): CircuitBreaker.Bucket[] {
    this.#rotate();
    return this.#buckets;
  }

  #rotate(): void {
    if (this.rotateBucketController !== undefined || this.#isShutdown) return;
    const due = Math.floor((performance.now() - this.#rotatedAt) / this.#bucketMs);
    if (due <= 0) return;
    this.#rotatedAt += due * this.#bucketMs;
    for (let i = Math.min(due, this.#buckets.length); i > 0; i--) this.rotateBucket();
  }

  /** Listeners for snapshots that are added later still start the timer. */
  override removeAllListeners(event?: string | symbol): this {
    if (event === undefined) {
      super.removeAllListeners();
      if (this.enableSnapshots && !this.#isShutdown) this.#followListeners();
    } else super.removeAllListeners(event);
    return this;
  }

  #followListeners(): void {
    this.on('newListener', (event) => {
      if (event !== 'snapshot' || this.#isShutdown) return;
      this.#snapshots ??= startInterval(() => this.emit('snapshot', this.stats), this.#bucketMs);
    });
    this.on('removeListener', (event) => {
      if (event === 'snapshot' && this.listenerCount('snapshot') === 0) this.#stopSnapshots();
    });
  }

  #stopSnapshots(): void {
    clearInterval(this.#snapshots);
    this.#snapshots = undefined;
  }
}
