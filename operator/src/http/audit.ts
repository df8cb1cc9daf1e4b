import type { Logger } from 'pino';
import type { Admission } from '../core/rate-limit/token-bucket.ts';
import { DENIAL_REASONS, type Denial } from '../ports/authenticator.ts';

export interface AuditOptions {
  readonly log: Logger;
  /** Who is refused here. */
  readonly whom: 'an agent' | 'a person';
  /** How many lines may be written; the rest is counted and told with the next line. */
  readonly admission: Admission;
}

/** Writes one line for each caller that was refused, and counts all of them. Nothing of a token is in it. */
export class Audit {
  readonly denied: Record<string, number> = Object.fromEntries(DENIAL_REASONS.map((reason) => [reason, 0]));
  readonly #options: AuditOptions;
  #untold = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  refused(denial: Denial, facts: { from: string | undefined; what: string; claims: object }): void {
    this.denied[denial.reason] = (this.denied[denial.reason] ?? 0) + 1;
    if (!this.#options.admission.admit()) {
      this.#untold += 1;
      return;
    }
    const untold = this.#untold;
    this.#untold = 0;
    const { reason, status, message: why } = denial;
    this.#options.log.warn(
      { audit: true, reason, status, ...facts, why, ...(untold > 0 && { untold }) },
      `refused ${this.#options.whom}`,
    );
  }
}
