/** What the exit code of the command line means. */
export const EXIT_CODES = {
  ok: 0,
  /** Something that was checked has problems. */
  problems: 1,
  /** The command line cannot be understood. */
  usage: 2,
  /** A file, a folder, a port or a server cannot be reached. */
  unreachable: 3,
  /** Whoever read the output has gone, as after `| head`: 128 and the number of SIGPIPE. */
  unread: 141,
} as const;

/** Ends a command with one line for a person. */
export class CliError extends Error {
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}
