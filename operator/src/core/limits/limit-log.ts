import type { Clock } from '../clock.ts';
import { LIMITS, type LimitReason } from './limits.ts';

export interface LimitLogOptions {
  readonly clock: Clock;
  readonly log: { warn(facts: object, message: string): void };
}

/** Minimum time between two log lines about the same limit. */
const LINE_MS = 60_000;

/** Counts the requests that each limit refuses, and logs each limit at most once a minute. */
export class LimitLog {
  readonly cut: Record<LimitReason, number> = Object.fromEntries(
    Object.keys(LIMITS).map((reason) => [reason, 0]),
  ) as Record<LimitReason, number>;
  readonly #options: LimitLogOptions | undefined;
  readonly #logged = new Map<LimitReason, { at: number; cut: number }>();

  /** @param options absent: nothing is logged. */
  constructor(options?: LimitLogOptions) {
    this.#options = options;
  }

  /** Records that a limit refused a request. The log line names the requester, `who`. */
  reached(reason: LimitReason, who: object = {}): void {
    this.cut[reason] += 1;
    if (this.#options === undefined) return;
    const { clock, log } = this.#options;
    const before = this.#logged.get(reason) ?? { at: Number.NEGATIVE_INFINITY, cut: 0 };
    const now = clock.now();
    if (now - before.at < LINE_MS) return;
    const { what, reached, ...bound }: { what: string; reached: string; flag?: string } = LIMITS[reason];
    const see = bound.flag === undefined ? 'docs/limits.md' : `${bound.flag} and docs/limits.md`;
    log.warn(
      { reason, times: this.cut[reason] - before.cut, ...who },
      `limit reached: ${what}: ${reached}; see ${see}`,
    );
    this.#logged.set(reason, { at: now, cut: this.cut[reason] });
  }
}
