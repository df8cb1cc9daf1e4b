/** A refused request: its HTTP status, and a message that names the object, the reason and what to do. */
export class Problem extends Error {
  readonly status: number;
  /** How long to wait before a retry, in ms. Absent: a retry does not help. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, message: string, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}
