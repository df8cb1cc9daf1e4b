/** Where a command reads and writes. */
export interface Terminal {
  readonly args: readonly string[];
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

/** Takes the exit code of a command when it has ended. */
export type SetExitCode = (code: number) => void;
