import { type Allowance, type Growth, growth, type Reading } from './growth.ts';

/** A quantity of a process over a run, and whether it grew. */
export interface Row extends Growth {
  readonly process: string;
  readonly quantity: string;
  readonly readings: readonly Reading[];
}

export const rowOf = (process: string, quantity: string, readings: readonly Reading[], allowed: Allowance): Row => ({
  process,
  quantity,
  readings,
  ...growth(readings, allowed),
});

/** The rows as a table: first, median and last reading, the rise over the second half, and the verdict. */
export function tableOf(rows: readonly Row[]): string {
  const lines = [['process', 'quantity', 'begin', 'median', 'end', 'rise', 'allowed', 'verdict']];
  for (const { process, quantity, readings, median, rise, allowed, verdict } of rows) {
    const [first, last] = [readings[0]!.value, readings.at(-1)!.value];
    lines.push([process, quantity, ...[first, median, last, rise, allowed].map(round), verdict]);
  }
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  return lines.map((line) => line.map((cell, i) => cell.padEnd(widths[i]!)).join('  ')).join('\n');
}

export const round = (value: number) => String(Math.round(value * 100) / 100);
