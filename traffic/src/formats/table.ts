import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import type { Observation } from '../observation.ts';
import { ReadError } from '../read-error.ts';
import type { Context, Emit } from './format.ts';

/** Reads one row; returns false when the row does not fit the format. */
export type TakeRow = (row: readonly string[], emit: Emit) => boolean;

const BATCH = 512;
const SMALL = 8_192;

/** Reads comma-separated values row by row, with the column names of the first line. */
export async function* readTable(
  blocks: AsyncIterable<Buffer>,
  { counts, sample }: Context,
  open: (column: (name: string) => number) => { readonly row: TakeRow; end?(emit: Emit): void },
): AsyncGenerator<Observation[]> {
  let found: Observation[] = [];
  const emit: Emit = (one) => {
    one.record = counts.lines;
    found.push(one);
  };
  const parser = parse({
    delimiter: delimiterOf(sample.lines[0] ?? ''),
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    bom: true,
    max_record_size: 1_048_576,
  });
  const fed = pipeline(small(blocks), parser).catch(() => undefined);
  let table: ReturnType<typeof open> | undefined;
  try {
    for await (const row of parser as AsyncIterable<string[]>) {
      if (table === undefined) {
        const names = row.map((name) => name.trim());
        table = open((name) => names.indexOf(name));
        continue;
      }
      counts.lines++;
      if (!table.row(row, emit)) counts.bad({ line: row.join(',') });
      if (found.length >= BATCH) {
        yield found;
        found = [];
      }
    }
  } catch (error) {
    if (error instanceof ReadError) throw error;
    throw new ReadError(`${counts.path} is not a table of comma-separated values: ${(error as Error).message}`);
  } finally {
    parser.destroy();
    await fed;
  }
  table?.end?.(emit);
  yield found;
}

function delimiterOf(header: string): string {
  const count = (mark: string) => header.split(mark).length;
  return [',', ';', '\t'].reduce((best, mark) => (count(mark) > count(best) ? mark : best));
}

/** The column names in the first line of a table. */
export function headerOf(line: string | undefined): string[] {
  return line === undefined ? [] : line.split(delimiterOf(line)).map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
}

/** Splits blocks, because the parser holds all rows of a block in memory. */
async function* small(blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  for await (const block of blocks) {
    for (let at = 0; at < block.length; at += SMALL) yield block.subarray(at, at + SMALL);
  }
}
