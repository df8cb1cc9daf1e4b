import type { Clock } from '../clock.ts';
import { dropOldest } from '../drop-oldest.ts';
import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { isBehind, type ResourceVersions } from './resource-versions.ts';

/** Refused agents retry within this time, in ms. Without a retry, the recorded lag is forgotten. */
const FORGET_MS = 150_000;

const MAX_LAGS = CACHE_LIMITS['restore-lags'].entries;

/** The namespace of an agent, and the uid of its pod. Agents without a pod count together. */
interface LagSource {
  readonly namespace: string;
  readonly pod?: string;
}

interface Lag {
  /** The versions that the pod had when the store was first found to be older. */
  readonly seen: ResourceVersions;
  readonly since: number;
  /** When the store was last found to be older. */
  last: number;
}

interface Lags {
  /** What the store showed when lags that ended were last looked for. */
  shown: ResourceVersions | undefined;
  /** By pod, the one that was found last at the end. */
  readonly pods: Map<string, Lag>;
}

/**
 * Decides when a store counts as restored from a backup, because a consistent read shows older data than agents have.
 * One read is not enough: an API server that answers from another store, or from an old copy, looks the same for a
 * while. Accepting its data would remove policies that were not deleted.
 *
 * Nobody can check what a pod says that it has seen, so it counts for that pod only.
 */
export class RestoreDetector {
  readonly #afterMs: number;
  readonly #clock: Clock;
  readonly #namespaces = new Map<string, Lags>();

  /** @param afterMs how long the store must lag behind the agents. */
  constructor(afterMs: number, clock: Clock) {
    this.#afterMs = afterMs;
    this.#clock = clock;
  }

  /**
   * Records that an agent has newer data than the store of its namespace.
   *
   * @returns whether the store was restored, as far as the pod of the agent has seen.
   */
  observeLag({ namespace, pod = '' }: LagSource, asOf: ResourceVersions | undefined, seen: ResourceVersions): boolean {
    this.caughtUp(namespace, asOf);
    const now = this.#clock.now();
    const lags = this.#namespaces.get(namespace) ?? { shown: asOf, pods: new Map<string, Lag>() };
    this.#namespaces.set(namespace, lags);
    const known = lags.pods.get(pod);
    const lag = known !== undefined && now - known.last <= FORGET_MS ? known : { seen, since: now, last: now };
    lag.last = now;
    lags.pods.delete(pod);
    lags.pods.set(pod, lag);
    dropOldest(lags.pods, MAX_LAGS);
    return lag === known && now - lag.since >= this.#afterMs;
  }

  /** Records the versions that the store of a namespace shows. Lags end for the pods with which they have caught up. */
  caughtUp(namespace: string, asOf: ResourceVersions | undefined): void {
    const lags = this.#namespaces.get(namespace);
    if (lags === undefined || sameVersions(lags.shown, asOf)) return;
    lags.shown = asOf;
    const now = this.#clock.now();
    for (const [pod, { seen, last }] of lags.pods) {
      if (!isBehind(asOf, seen) || now - last > FORGET_MS) lags.pods.delete(pod);
    }
    if (lags.pods.size === 0) this.#namespaces.delete(namespace);
  }
}

const sameVersions = (one: ResourceVersions | undefined, other: ResourceVersions | undefined): boolean =>
  one?.policies === other?.policies && one?.overrides === other?.overrides;
