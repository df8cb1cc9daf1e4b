/** Receives the text of a recording in blocks. Each block begins with the header and has complete lines. */
export interface RecordSink {
  /** Takes a block. The next one follows when the promise is settled. A rejection causes one warning. */
  write(block: string): void | Promise<void>;
  /** Takes the last block when the process exits. Absent: calls of the last second are lost. */
  writeSync?(block: string): void;
}

/** Options of a recording; all are optional. */
export interface RecordOptions {
  /**
   * Share of the processes that record all of their calls, above 0 and at most 1; the others record none. Absent: 1.
   */
  readonly share?: number;
  /**
   * The name of this process in the recording. Absent: the name of the host, in Kubernetes that of the pod, and the
   * process id.
   */
  readonly instance?: string;
  /** Called once when calls cannot be recorded. Absent: `process.emitWarning`. */
  readonly warn?: (message: string) => void;
}
