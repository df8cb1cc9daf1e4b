import type { Logger } from 'pino';
import type { TokenBucket } from '../core/rate-limit/token-bucket.ts';
import { AUTH_ERROR_REASONS, type AuthError } from '../ports/authenticator.ts';

export interface AuditOptions {
  readonly log: Logger;
  /** The kind of the refused caller, for the log line. */
  readonly subject: 'an agent' | 'a person';
  /** Limits the log lines. Suppressed lines are counted, and the next line contains their number. */
  readonly lineLimit: TokenBucket;
}

/** Logs and counts refused callers. A log line never contains any part of a token. */
export class Audit {
  readonly denied: Record<string, number> = Object.fromEntries(AUTH_ERROR_REASONS.map((reason) => [reason, 0]));
  readonly #options: AuditOptions;
  #suppressed = 0;

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  refused(authError: AuthError, facts: { from: string | undefined; what: string; claims: object }): void {
    this.denied[authError.reason] = (this.denied[authError.reason] ?? 0) + 1;
    if (!this.#options.lineLimit.take()) {
      this.#suppressed += 1;
      return;
    }
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    const { reason, status, message: why } = authError;
    this.#options.log.warn(
      { audit: true, reason, status, ...facts, why, ...(suppressed > 0 && { untold: suppressed }) },
      `refused ${this.#options.subject}`,
    );
  }
}
