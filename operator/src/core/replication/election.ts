/** What the Lease of the leader says. */
export interface LeaseRecord {
  /** The process that leads; empty when it gave up. */
  readonly holder: string;
  /** How long others must see no change before they may take it, in milliseconds. */
  readonly durationMs: number;
  /** Changes with every write. */
  readonly version: string;
}

export interface ElectionTimes {
  /** How long a Lease stays its holder's after a change was last seen, in milliseconds. */
  readonly leaseMs: number;
  /**
   * How long a leader continues after it asked for the last renewal that succeeded, in milliseconds; less than
   * `leaseMs`.
   */
  readonly deadlineMs: number;
}

/**
 * Whether this process leads, and whether it may try to. The times written in a Lease are for people: another process
 * is judged by when its Lease was seen to change, on the clock of this one, and this one by when it asked, so that
 * clocks that differ and answers that are late only ever make a leader stop too early. The algorithm is that of
 * client-go's leaderelection.
 */
export class Election {
  readonly #identity: string;
  readonly #times: ElectionTimes;
  #record: LeaseRecord | undefined;
  #changedAt = 0;
  #renewedAt: number | undefined;

  /** @param identity unlike that of any other process, a former one under the same name included. */
  constructor(identity: string, times: ElectionTimes) {
    this.#identity = identity;
    this.#times = times;
  }

  /** The process that leads, as far as is known; absent when none does. */
  get holder(): string | undefined {
    return this.#record?.holder || undefined;
  }

  /** The Lease was read; absent: there is none. */
  seen(record: LeaseRecord | undefined, now: number): void {
    if (record?.version !== this.#record?.version) this.#changedAt = now;
    this.#record = record;
    if (record?.holder !== this.#identity) this.#renewedAt = undefined;
  }

  /** Whether to write the Lease now, under the version that was seen last. */
  mayWrite(now: number): boolean {
    const record = this.#record;
    if (!record || record.holder === '' || record.holder === this.#identity) return true;
    return now - this.#changedAt >= record.durationMs;
  }

  /** Our write was accepted. `askedAt` is when it was sent. */
  written(record: LeaseRecord, askedAt: number, now: number): void {
    this.seen(record, now);
    if (record.holder === this.#identity) this.#renewedAt = askedAt;
  }

  /** How long this process may still act as the leader without a renewal, in milliseconds; 0 when it does not lead. */
  leadingForMs(now: number): number {
    if (this.#renewedAt === undefined) return 0;
    return Math.max(0, this.#renewedAt + this.#times.deadlineMs - now);
  }

  /** This process leads no more, whatever the Lease says. */
  resign(): void {
    this.#renewedAt = undefined;
  }

  get leaseMs(): number {
    return this.#times.leaseMs;
  }
}
