import type { Violation } from './model/checker.ts';
import type { LogRecord } from './model/records.ts';

const BEFORE_MS = 3_000;
const MOST_LINES = 30;

/** The part of a log that explains a violation: what the run did and what that agent applied shortly before. */
export function story(violation: Violation, records: readonly LogRecord[]): string[] {
  const { at, agent } = violation;
  const told = records.filter((record) => {
    if (record.at > at + 1 || record.at < at - BEFORE_MS) return false;
    if ('agent' in record && record.kind !== 'killed')
      return (
        record.agent === agent && ['born', 'applied', 'link', 'warning', 'probe', 'uncaught'].includes(record.kind)
      );
    return record.kind !== 'memory';
  });
  const began = records[0]?.at ?? 0;
  return told.slice(-MOST_LINES).map((record) => {
    const { at: when, kind, ...rest } = record;
    return `  ${((when - began) / 1_000).toFixed(3).padStart(8)} s  ${kind.padEnd(8)} ${JSON.stringify(rest)}`;
  });
}
