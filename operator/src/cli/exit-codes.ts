/** The exit codes of the command line. */
export const EXIT_CODES = {
  ok: 0,
  /** A check found problems. */
  problems: 1,
  /** The command line is invalid. */
  usage: 2,
  /** A file, a folder, a port or a server cannot be reached. */
  unreachable: 3,
  /** The reader of the output has exited, as after `| head`: 128 plus the number of SIGPIPE. */
  unread: 141,
} as const;

/** Ends a command with a one-line message for the user. */
export class CliError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
