import type { EventEmitter } from 'node:events';
import type { Count } from './buckets.ts';
import type { Status } from './status.ts';

/**
 * The statistic that each event increments. `success`, `failure` and `timeout` are absent: their callers also record a
 * latency.
 */
const COUNTERS: Partial<Record<string, Count>> = {
  fallback: 'fallbacks',
  fire: 'fires',
  reject: 'rejects',
  cacheHit: 'cacheHits',
  cacheMiss: 'cacheMisses',
  coalesceCacheHit: 'coalesceCacheHits',
  coalesceCacheMiss: 'coalesceCacheMisses',
  semaphoreLocked: 'semaphoreRejections',
};

/**
 * Tools such as opossum-prometheus register for what `eventNames()` lists, so each of these has a listener from the
 * start.
 */
const LISTED = ['success', 'failure', 'timeout', 'open', 'close', ...Object.keys(COUNTERS)];

/**
 * Increments statistics and emits events. A listener that throws is reported as a process warning and does not fail the
 * call.
 */
export class Announcer {
  readonly #emitter: EventEmitter;
  readonly #status: Status;
  readonly #name: string;
  #hasWarned = false;

  constructor(emitter: EventEmitter, status: Status, name: string) {
    this.#emitter = emitter;
    this.#status = status;
    this.#name = name;
    for (const event of LISTED) emitter.on(event, () => {});
  }

  tell(event: string, ...about: unknown[]): void {
    const count = COUNTERS[event];
    if (count !== undefined) this.#status.increment(count);
    try {
      this.#emitter.emit(event, ...about);
    } catch (error) {
      this.warn(`a listener for "${event}"`, error);
    }
  }

  /** Reports a callback that threw, once for each breaker. */
  warn(who: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const message = `${who} of circuit breaker "${this.#name}" threw: ${String(error)}; fix it, later errors of this breaker's callbacks are not reported`;
    process.emitWarning(message, { code: 'FUSEBOARD_OPOSSUM' });
  }
}
