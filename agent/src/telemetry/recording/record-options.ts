/** Receives the text of a recording in blocks: each begins with its header and has complete lines. */
export interface RecordSink {
  /** The next block is given when the promise of the last is settled. What it rejects with is warned about once. */
  write(block: string): void | Promise<void>;
  /** Takes the last block when the process ends, which waits for nothing. Absent: calls of the last second are lost. */
  writeSync?(block: string): void;
}

/** Options of a recording; all are optional. */
export interface RecordOptions {
  /** Share of the processes that record all of their calls, over 0 to 1; the others record none. Absent: 1. */
  readonly share?: number;
  /**
   * What the recording calls this process. Absent: the name of the host, which in Kubernetes is the pod's, with the
   * process id.
   */
  readonly instance?: string;
  /** Called once when calls cannot be recorded. Absent: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}
