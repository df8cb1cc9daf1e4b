import { type Logger, type LoggerOptions, pino, stdTimeFunctions } from 'pino';
import { printable } from './core/printable.ts';

/** Where log lines go. */
interface Sink {
  write(line: string): void;
}

/** One line of JSON for each decision; on a terminal, the same as text. */
export function createLog(level: string, format: 'auto' | 'json' | 'pretty', out: NodeJS.WriteStream): Logger {
  const options: LoggerOptions = {
    level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  const pretty = format === 'pretty' || (format === 'auto' && out.isTTY);
  return pino(options, pretty ? prettyInto(out) : out);
}

/** Writes lines of JSON as `22:45:01.123 warn  breaker opened  policy=payments agent=…`. */
export function prettyInto(out: Sink): Sink {
  return {
    write(line) {
      const { time, level, msg, err, ...facts } = JSON.parse(line) as Record<string, unknown>;
      const fields = Object.entries(facts).map(([name, value]) => `${name}=${show(value)}`);
      const error = err === undefined ? [] : [`error=${show((err as Error).message)}`];
      const clock = String(time).slice(11, 23);
      out.write(`${clock} ${String(level).padEnd(5)} ${[printable(String(msg)), ...fields, ...error].join('  ')}\n`);
    },
  };
}

const show = (value: unknown) =>
  typeof value === 'string' && /^[^\s"=]+$/.test(value) && printable(value) === value
    ? value
    : printable(JSON.stringify(value));
