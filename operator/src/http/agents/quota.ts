import type { Clock } from '../../core/clock.ts';
import type { LimitLog } from '../../core/limits/limit-log.ts';
import type { LimitReason } from '../../core/limits/limits.ts';
import { FairBudget } from '../../core/rate-limit/fair-budget.ts';
import type { AgentIdentity } from '../../ports/authenticator.ts';

export interface QuotaOptions {
  /**
   * Maximum number of open streams of one pod, and of report parts that it sends at the same time. New streams are
   * limited to a tenth of it per second, after a burst of twice the maximum.
   */
  readonly maxStreams: number;
  /** New streams per second of all pods together. */
  readonly maxStreamsPerSecond: number;
  /** Report parts per second of one pod. */
  readonly maxReportsPerPod: number;
  /** Report parts per second of all pods together. */
  readonly maxReportsPerSecond: number;
  readonly limits: LimitLog;
  readonly clock: Clock;
}

/** This many bytes of a report part cost as much as another part. */
const BYTES_PER_PART = 2_048;

const costOf = (bytes: number) => 1 + Math.floor(bytes / BYTES_PER_PART);

/** The burst of a pod, in seconds of its rate, because the processes of a pod may report together. */
const REPORT_BURST_S = 5;

/**
 * Limits streams and reports of one pod, regardless of its number of processes, and of all pods together. Only the
 * limit for all pods applies to a caller without a pod.
 */
export class Quota {
  readonly #options: QuotaOptions;
  readonly #streams = new Map<string, number>();
  /** The report parts that are being read or counted, by pod. */
  readonly #reading = new Map<string, number>();
  readonly #newStreams: FairBudget;
  readonly #reports: FairBudget;

  constructor(options: QuotaOptions) {
    this.#options = options;
    const { maxStreams, maxStreamsPerSecond, maxReportsPerPod, maxReportsPerSecond, clock } = options;
    this.#newStreams = new FairBudget({
      perKey: maxStreams / 10,
      burst: 2 * maxStreams,
      total: maxStreamsPerSecond,
      clock,
    });
    this.#reports = new FairBudget({
      perKey: maxReportsPerPod,
      burst: REPORT_BURST_S * maxReportsPerPod,
      total: maxReportsPerSecond,
      clock,
    });
  }

  /** Whether the limit for all pods refuses new streams now. */
  refusesStreams(): boolean {
    if (!this.#newStreams.exhausted) return false;
    this.#options.limits.reached('stream-rate');
    return true;
  }

  /**
   * Takes an open stream of a pod, and one from the rate of new streams.
   *
   * @returns the reached limit; undefined when the stream was taken.
   */
  admitStream({ namespace, pod }: AgentIdentity): LimitReason | undefined {
    const taken = pod === undefined ? 0 : (this.#streams.get(pod.uid) ?? 0);
    const reason = taken >= this.#options.maxStreams ? 'streams-of-pod' : this.#spendNewStream(pod?.uid);
    if (reason !== undefined) {
      this.#options.limits.reached(reason, { namespace, pod: pod?.name });
      return reason;
    }
    if (pod !== undefined) this.#streams.set(pod.uid, taken + 1);
    return undefined;
  }

  #spendNewStream(uid: string | undefined): LimitReason | undefined {
    const spent = this.#newStreams.take(uid);
    return spent === 'own' ? 'stream-rate-of-pod' : spent && 'stream-rate';
  }

  releaseStream({ pod }: AgentIdentity): void {
    lower(this.#streams, pod?.uid);
  }

  /**
   * Admits a report part of a size, before it is read.
   *
   * @returns the reached limit; undefined when the part may be read. It must be released then.
   */
  admitReport({ namespace, pod }: AgentIdentity, bytes: number): LimitReason | undefined {
    const reading = pod === undefined ? 0 : (this.#reading.get(pod.uid) ?? 0);
    const reason = reading >= this.#options.maxStreams ? 'reports-of-pod' : this.#spendParts(pod?.uid, bytes);
    if (reason !== undefined) this.#options.limits.reached(reason, { namespace, pod: pod?.name });
    else if (pod !== undefined) this.#reading.set(pod.uid, reading + 1);
    return reason;
  }

  #spendParts(uid: string | undefined, bytes: number): LimitReason | undefined {
    const spent = this.#reports.take(uid, costOf(bytes));
    return spent === 'own' ? 'report-rate-of-pod' : spent && 'report-rate';
  }

  releaseReport({ pod }: AgentIdentity): void {
    lower(this.#reading, pod?.uid);
  }

  /** Gives back what a part took for a greater size than it had. */
  refundReport({ pod }: AgentIdentity, taken: number, bytes: number): void {
    this.#reports.giveBack(pod?.uid, costOf(taken) - costOf(bytes));
  }
}

function lower(counts: Map<string, number>, uid: string | undefined): void {
  if (uid === undefined) return;
  const left = (counts.get(uid) ?? 0) - 1;
  if (left > 0) counts.set(uid, left);
  else counts.delete(uid);
}
