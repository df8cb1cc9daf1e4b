import type { Clock } from '../clock.ts';
import { isBehind, type ResourceVersions } from './resource-versions.ts';

/** Refused agents retry within this time, in ms. Without a retry, the recorded lag is forgotten. */
const FORGET_MS = 60_000;

interface Lag {
  /** The versions that an agent had when the store was first found to be older. */
  readonly seen: ResourceVersions;
  readonly since: number;
  /** When the store was last found to be older. */
  last: number;
}

/**
 * Decides when a store counts as restored from a backup, because a consistent read shows older data than agents have.
 * One read is not enough: an API server that answers from another store, or from an old copy, looks the same for a
 * while. Accepting its data would remove policies that were not deleted.
 */
export class RestoreDetector {
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #found = new Map<string, Lag>();

  /** @param afterMs how long the store must lag behind the agents. */
  constructor(afterMs: number, clock: Clock) {
    this.#afterMs = afterMs;
    this.#clock = clock;
  }

  /**
   * Records that an agent of the namespace has newer data than the store.
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
   * Records the versions that the store of the namespace shows. The recorded lag ends when they have caught up with the
   * agent.
   */
  caughtUp(namespace: string, asOf: ResourceVersions | undefined): void {
    const known = this.#found.get(namespace);
    if (known !== undefined && !isBehind(asOf, known.seen)) this.#found.delete(namespace);
  }
}
