/** A request that is not granted: the status as in HTTP, and a sentence that says what, which and what to do. */
export class Problem extends Error {
  readonly status: number;
  /** When to retry, in ms from now. Absent: it is not a matter of time. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
