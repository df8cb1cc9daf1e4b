/** A namespace may hold up to this multiple of the free places by default, and a pod up to `POD_SHARE` of them. */
const NAMESPACE_SHARE = 8;
const POD_SHARE = 1 / 16;

/** A pod always gets this many places while any place is free, even when its share is smaller. */
const POD_MINIMUM = 1;

export interface FairShareOptions {
  readonly total: number;
  /** The fixed limit of a pod. Absent: only the share of the pod limits it. */
  readonly perPod?: number;
  /** The multiple of the free places that a namespace may hold. Absent: 8. */
  readonly namespaceShare?: number;
}

/**
 * Shares a number of places between namespaces and, within them, pods. The limit of each holder is a multiple of the
 * free places, so that a greedy holder always leaves room for later ones: dynamic thresholds, Choudhury and Hahne,
 * IEEE/ACM Transactions on Networking 6 (1998).
 */
export class FairShare {
  readonly #total: number;
  readonly #perPod: number;
  readonly #namespaceShare: number;
  readonly #namespaces = new Map<string, number>();
  readonly #pods = new Map<string, number>();
  #used = 0;

  constructor({ total, perPod = Number.POSITIVE_INFINITY, namespaceShare = NAMESPACE_SHARE }: FairShareOptions) {
    this.#total = total;
    this.#perPod = perPod;
    this.#namespaceShare = namespaceShare;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Takes places: all of them, or none. A holder without a pod is limited only by its namespace.
   *
   * @returns the exhausted limit: `pod` for `perPod`, `all` for the shares; undefined when the places were taken.
   */
  take(namespace: string, pod: string | undefined, places = 1): 'pod' | 'all' | undefined {
    const free = this.#total - this.#used;
    // The last place decides: it must be below each limit.
    const ofPod = pod === undefined ? -1 : (this.#pods.get(pod) ?? 0) + places - 1;
    if (ofPod >= this.#perPod) return 'pod';
    const ofNamespace = (this.#namespaces.get(namespace) ?? 0) + places - 1;
    if (free < places || ofNamespace >= this.#namespaceShare * free) return 'all';
    if (ofPod >= Math.max(POD_MINIMUM, POD_SHARE * free)) return 'all';
    this.add(namespace, pod, places);
    return undefined;
  }

  /** Takes places even when none is free. */
  add(namespace: string, pod: string | undefined, places = 1): void {
    this.#used += places;
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + places);
    if (pod !== undefined) this.#pods.set(pod, (this.#pods.get(pod) ?? 0) + places);
  }

  /** Releases places. */
  release(namespace: string, pod: string | undefined, places = 1): void {
    if (places === 0) return;
    this.#used -= places;
    lower(this.#namespaces, namespace, places);
    if (pod !== undefined) lower(this.#pods, pod, places);
  }
}

function lower(counts: Map<string, number>, key: string, by: number): void {
  const left = (counts.get(key) ?? 0) - by;
  if (left > 0) counts.set(key, left);
  else counts.delete(key);
}
