/**
 * Writes a file of each format, reads it in a process of its own and prints records/s, also by processor time, and peak
 * memory: `node --conditions=fuseboard-source traffic/bench.ts [--mb 100] [--format nginx,alb] [--max-peak-mb 200]`.
 * With a limit, a format that exceeds it fails the run.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { made, RECORDED, type Recorded } from './bench/recorded.ts';

interface Measured {
  readonly detected: string;
  readonly lines: number;
  readonly calls: number;
  readonly badLines: number;
  readonly seconds: number;
  /** Time on processors, all threads together: less disturbed by what else runs than `seconds`. */
  readonly cpuSeconds: number;
  readonly peakMb: number;
}

const { values } = parseArgs({
  options: { mb: { type: 'string', default: '100' }, format: { type: 'string' }, 'max-peak-mb': { type: 'string' } },
});
const bytes = Number(values.mb) * 1e6;
const limit = values['max-peak-mb'] === undefined ? Number.POSITIVE_INFINITY : Number(values['max-peak-mb']);
const wanted = values.format?.split(',') ?? RECORDED.map(({ format }) => format);
const chosen = RECORDED.filter(({ format }) => wanted.includes(format));
if (chosen.length < wanted.length) {
  throw new Error(`--format: give some of ${RECORDED.map(({ format }) => format).join(',')}`);
}
const folder = mkdtempSync(join(tmpdir(), 'fuseboard-traffic-bench-'));
const columns = [12, 10, 12, 12, 12, 12, 10, 10];
const row = (cells: readonly (string | number)[]) =>
  cells.map((cell, at) => String(cell).padStart(columns[at]!)).join('');

console.log(row(['format', 'MB', 'records', 'calls', 'records/s', 'per CPU s', 'MB/s', 'peak MB']));
try {
  for (const recorded of chosen) {
    const path = join(folder, recorded.format);
    const size = write(path, recorded);
    const { detected, lines, calls, badLines, seconds, cpuSeconds, peakMb } = measure(recorded.format, path);
    rmSync(path);
    if (detected !== recorded.format || badLines > 0)
      throw new Error(`${recorded.format} was read as ${detected}, ${badLines} bad`);
    const speeds = [
      Math.round(lines / seconds),
      Math.round(lines / cpuSeconds),
      Math.round(size / 1e6 / seconds),
      Math.round(peakMb),
    ];
    console.log(row([recorded.format, Math.round(size / 1e6), lines, calls, ...speeds]));
    if (peakMb > limit) {
      console.error(`${recorded.format} took ${Math.round(peakMb)} MB, more than ${limit} MB`);
      process.exitCode = 1;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** @returns how many bytes were written. */
function write(path: string, { head = '', call, between = '', tail = '' }: Recorded): number {
  const file = openSync(path, 'w');
  let written = writeSync(file, head);
  for (let n = 0; written < bytes; ) {
    let block = '';
    while (block.length < 1_000_000 && written + block.length < bytes)
      block += `${n === 0 ? '' : between}${call(made(n++))}`;
    written += writeSync(file, block);
  }
  written += writeSync(file, tail);
  closeSync(file);
  return written;
}

function measure(format: string, path: string): Measured {
  const script = join(import.meta.dirname, 'bench', 'read-one.ts');
  const output = execFileSync(process.execPath, [
    '--conditions=fuseboard-source',
    '--disable-warning=ExperimentalWarning',
    script,
    format,
    path,
  ]);
  return JSON.parse(output.toString('utf8')) as Measured;
}
