import type { Clock } from '../clock.ts';
import { isBehind, type ResourceVersions } from './resource-versions.ts';

/** Refused agents retry within this time, in ms; without a retry, the lag that was found is forgotten. */
const FORGET_MS = 60_000;

interface Lag {
  /** What an agent had seen when the store was first found to be older. */
  readonly seen: ResourceVersions;
  readonly since: number;
  /** When it was last found to be. */
  last: number;
}

/**
 * Decides when a store with older data than agents have seen, although it was read consistently, counts as restored
 * from a backup. One read is not enough: an API server that answers from another store, or from an old copy, looks the
 * same for a while. To accept that would remove policies that were not deleted.
 */
export class RestoreDetector {
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #found = new Map<string, Lag>();

  /** @param afterMs how long it must have been found to be older. */
  constructor(afterMs: number, clock: Clock) {
    this.#afterMs = afterMs;
    this.#clock = clock;
  }

  /**
   * An agent of the namespace has seen more than the store shows.
   *
   * @returns whether the store was restored.
   */
  observeLag(namespace: string, asOf: ResourceVersions | undefined, seen: ResourceVersions): boolean {
    const now = this.#clock.now();
    const known = this.#found.get(namespace);
    if (known === undefined || now - known.last > FORGET_MS || !isBehind(asOf, known.seen)) {
      this.#found.set(namespace, { seen, since: now, last: now });
      return false;
    }
    known.last = now;
    return now - known.since >= this.#afterMs;
  }

  /**
   * The store of the namespace shows this much; what was found before is over if that is no less than an agent had
   * seen.
   */
  caughtUp(namespace: string, asOf: ResourceVersions | undefined): void {
    const known = this.#found.get(namespace);
    if (known !== undefined && !isBehind(asOf, known.seen)) this.#found.delete(namespace);
  }
}
