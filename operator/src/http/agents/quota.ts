import type { Clock } from '../../core/clock.ts';
import { type TokenBucket, tokenBucket } from '../../core/rate-limit/token-bucket.ts';
import type { AgentIdentity } from '../../ports/authenticator.ts';

export interface QuotaOptions {
  readonly maxStreams: number;
  readonly maxReportsPerSecond: number;
  readonly clock: Clock;
}

/** Pods whose reports are counted at once; the one that came first is forgotten first. */
const MAX_PODS = 50_000;

/** What one pod may ask for, however many processes it runs. A caller without a pod is not bounded here. */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #streams = new Map<string, number>();
  readonly #reports = new Map<string, TokenBucket>();

  constructor(options: QuotaOptions) {
    this.#options = options;
  }

  /** Takes one of the streams of a pod; false when it has all of them. */
  takeStream({ pod }: AgentIdentity): boolean {
    if (pod === undefined) return true;
    const taken = this.#streams.get(pod.uid) ?? 0;
    if (taken >= this.#options.maxStreams) return false;
    this.#streams.set(pod.uid, taken + 1);
    return true;
  }

  releaseStream({ pod }: AgentIdentity): void {
    if (pod === undefined) return;
    const left = (this.#streams.get(pod.uid) ?? 0) - 1;
    if (left > 0) this.#streams.set(pod.uid, left);
    else this.#streams.delete(pod.uid);
  }

  /** Whether a pod may send a part of a report now. */
  takeReport({ pod }: AgentIdentity): boolean {
    if (pod === undefined) return true;
    const bucket = this.#reports.get(pod.uid) ?? tokenBucket(this.#options.maxReportsPerSecond, this.#options.clock);
    this.#reports.set(pod.uid, bucket);
    if (this.#reports.size > MAX_PODS) this.#reports.delete(this.#reports.keys().next().value!);
    return bucket.take();
  }
}
