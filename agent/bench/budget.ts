import type { Memory } from './memory.ts';
import type { Measured } from './rounds.ts';
import type { CaseName } from './subject.ts';

/** How many times the bare call each case may cost. */
export const RATIOS: Partial<Record<CaseName, number>> = {
  closed: 2.4,
  'closed, exact clock': 3.6,
  'enter and succeed': 1.7,
  'timeout, signal unused': 4,
  'failing, 1k samples': 1.8,
  'failing, 10k samples': 1.8,
  'failing, 100k samples': 1.8,
  rejected: 1.5,
  'rejected, with a fallback': 0.2,
  'enter, null': 0.1,
};

const BYTES_EACH = 600;
/** Of one core, for all ten thousand, above a process that does nothing. */
const IDLE_CPU_PERCENT = 0.5;

/** The rows of the budget that a run missed, in words. A case that was not measured is not missed. */
export function missed(cases: readonly Measured[], memory: readonly Memory[]): string[] {
  const rows: string[] = [];
  for (const { name, library, ratio } of cases) {
    const most = RATIOS[name];
    if (library === 'fuseboard' && most !== undefined && ratio > most) {
      rows.push(`${name}: ${ratio.toFixed(2)} x the bare call; the budget is ${most} x`);
    }
  }
  const own = memory.find(({ library }) => library === 'fuseboard');
  if (own === undefined) return rows;
  if (own.bytesEach > BYTES_EACH) rows.push(`memory: ${own.bytesEach} bytes a breaker; the budget is ${BYTES_EACH}`);
  if (own.timers > 0) rows.push(`timers: ${own.timers} for idle breakers; the budget is none`);
  if (own.idleCpuPercent > IDLE_CPU_PERCENT)
    rows.push(`idle CPU: ${own.idleCpuPercent} % of a core; the budget is none`);
  return rows;
}
