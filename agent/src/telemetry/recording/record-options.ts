/** Receives the text of a recording in blocks: each begins with its header and has complete lines. */
export interface RecordSink {
  /** The next block is given when this promise is settled. What it rejects with is warned about once. */
  write(block: string): void | Promise<void>;
  /** Takes the last block when the process ends. Absent: calls of the last second are lost. */
  writeSync?(block: string): void;
}

/** Options of a recording; all are optional. */
export interface RecordOptions {
  /** Share of the processes that record, over 0 to 1; the others record no call. Absent: 1. */
  readonly share?: number;
  /**
   * The name of this process in the recording. Absent: that of the host, in Kubernetes the pod, with the process id.
   */
  readonly instance?: string;
  /** Called once when calls cannot be recorded. Absent: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}
