/** Control characters, marks of direction and of no width, line ends, and lone surrogates; not the lines of a stack. */
const UNPRINTABLE = /(?!\n {4}at )[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Escapes what could add a line to a log or control a terminal: names, reasons and errors come from policies, the
 * operator and dependencies.
 */
export function printable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (found) => `\\u{${found.codePointAt(0)!.toString(16)}}`);
}

/** Warns in the log of the process. Every such warning passes here. */
export function warnProcess(message: string, code?: string): void {
  process.emitWarning(printable(message), code === undefined ? { type: 'FuseboardWarning' } : { code });
}

/** Makes a function of a user for warnings safe: it gets printable text, and its errors end nothing else. */
export function safeWarn(warn: (message: string) => void = warnProcess): (message: string) => void {
  return (message) => {
    try {
      warn(printable(message));
    } catch {
      // The warning is lost, as the logger is its only destination.
    }
  };
}
