/** The content of the leader's Lease. */
export interface LeaseRecord {
  /** The process that leads; empty after it resigned. */
  readonly holder: string;
  /** How long other processes must see no change before they may take the Lease, in milliseconds. */
  readonly durationMs: number;
  /** Changes with every write. */
  readonly version: string;
}

export interface ElectionTimes {
  /** How long a Lease belongs to its holder after its last observed change, in milliseconds. */
  readonly leaseMs: number;
  /** How long a leader continues after it sent its last successful renewal, in milliseconds; less than `leaseMs`. */
  readonly deadlineMs: number;
}

/**
 * Whether this process leads, and whether it may try to. The times written in a Lease are only informative. Another
 * leader expires by when this process last saw its Lease change, and this process expires by when it sent its renewal.
 * So different clocks and late answers can only make a leader stop too early. The algorithm is that of client-go's
 * leaderelection.
 */
export class Election {
  readonly #identity: string;
  readonly #times: ElectionTimes;
  #record: LeaseRecord | undefined;
  #changedAt = 0;
  #renewedAt: number | undefined;

  /** @param identity unique for each process, even for a restarted one with the same name. */
  constructor(identity: string, times: ElectionTimes) {
    this.#identity = identity;
    this.#times = times;
  }

  /** The process that leads, as far as known; absent when none does. */
  get holder(): string | undefined {
    return this.#record?.holder || undefined;
  }

  /** Records a read of the Lease; `record` is absent when there is none. */
  seen(record: LeaseRecord | undefined, now: number): void {
    if (record?.version !== this.#record?.version) this.#changedAt = now;
    this.#record = record;
    if (record?.holder !== this.#identity) this.#renewedAt = undefined;
  }

  /** Whether to write the Lease now, under the last seen version. */
  mayWrite(now: number): boolean {
    const record = this.#record;
    if (!record || record.holder === '' || record.holder === this.#identity) return true;
    return now - this.#changedAt >= record.durationMs;
  }

  /** Records that the API server accepted our write. `askedAt` is when the write was sent. */
  written(record: LeaseRecord, askedAt: number, now: number): void {
    this.seen(record, now);
    if (record.holder === this.#identity) this.#renewedAt = askedAt;
  }

  /** How long this process may still act as the leader without a renewal, in milliseconds; 0 when it does not lead. */
  leadingForMs(now: number): number {
    if (this.#renewedAt === undefined) return 0;
    return Math.max(0, this.#renewedAt + this.#times.deadlineMs - now);
  }
}
