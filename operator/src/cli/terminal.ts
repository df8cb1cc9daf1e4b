/** The input and output of a command. */
export interface Terminal {
  readonly args: readonly string[];
  readonly out: NodeJS.WriteStream;
  readonly err: NodeJS.WriteStream;
}

/** Sets the exit code of a command. */
export type SetExitCode = (code: number) => void;
