/** A namespace may use up to this multiple of the free places, and a pod up to this one. */
const NAMESPACE_SHARE = 8;
const POD_SHARE = 1 / 16;

/** So many are given whatever the shares say, as long as there is room at all. */
const POD_MINIMUM = 1;

export interface FairShareOptions {
  readonly total: number;
  /** Absent: a pod is bounded by its share alone. */
  readonly perPod?: number;
}

/**
 * Shares a number of places between namespaces and, within them, pods. Each may hold a multiple of what is free, so
 * that those who take all they can leave room for those who come later: dynamic thresholds, Choudhury and Hahne,
 * IEEE/ACM Transactions on Networking 6 (1998).
 */
export class FairShare {
  readonly #total: number;
  readonly #perPod: number;
  readonly #namespaces = new Map<string, number>();
  readonly #pods = new Map<string, number>();
  #used = 0;

  constructor({ total, perPod = Number.POSITIVE_INFINITY }: FairShareOptions) {
    this.#total = total;
    this.#perPod = perPod;
  }

  get used(): number {
    return this.#used;
  }

  /**
   * Takes a place. A holder without a pod is bounded by its namespace.
   *
   * @returns what is full: the places of the pod, or those of all; undefined when the place was taken.
   */
  take(namespace: string, pod: string | undefined): 'pod' | 'all' | undefined {
    const free = this.#total - this.#used;
    const ofPod = pod === undefined ? 0 : (this.#pods.get(pod) ?? 0);
    if (ofPod >= this.#perPod) return 'pod';
    if (free <= 0 || (this.#namespaces.get(namespace) ?? 0) >= NAMESPACE_SHARE * free) return 'all';
    if (ofPod >= Math.max(POD_MINIMUM, POD_SHARE * free)) return 'all';
    this.add(namespace, pod);
    return undefined;
  }

  /** Takes a place whether or not there is one. */
  add(namespace: string, pod: string | undefined): void {
    this.#used += 1;
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + 1);
    if (pod !== undefined) this.#pods.set(pod, (this.#pods.get(pod) ?? 0) + 1);
  }

  /** Gives places back. */
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
