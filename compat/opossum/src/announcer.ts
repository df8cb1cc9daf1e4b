import type { EventEmitter } from 'node:events';
import type { Count } from './buckets.ts';
import type { Status } from './status.ts';

/** What is counted with an event. Of a success, a failure and a time-out it is counted with how long it took, before anybody hears of it. */
const COUNTED: Partial<Record<string, Count>> = {
  fallback: 'fallbacks',
  fire: 'fires',
  reject: 'rejects',
  cacheHit: 'cacheHits',
  cacheMiss: 'cacheMisses',
  coalesceCacheHit: 'coalesceCacheHits',
  coalesceCacheMiss: 'coalesceCacheMisses',
  semaphoreLocked: 'semaphoreRejections',
};

/** Tools register for all that `eventNames()` lists, so each of these has a listener from the start. */
const LISTED = ['success', 'failure', 'timeout', 'open', 'close', ...Object.keys(COUNTED)];

/** Counts what a breaker does and tells its listeners. What one of them throws is not the fault of a call. */
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
    const count = COUNTED[event];
    if (count !== undefined) this.#status.increment(count);
    try {
      this.#emitter.emit(event, ...about);
    } catch (error) {
      this.warn(`a listener for "${event}"`, error);
    }
  }

  /** Reports code of the user that threw, once. */
  warn(who: string, error: unknown): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const message = `${who} of circuit breaker "${this.#name}" threw: ${String(error)}; mend it, later ones are not reported`;
    process.emitWarning(message, { code: 'FUSEBOARD_OPOSSUM' });
  }
}
