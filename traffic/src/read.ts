import type { Call } from './call.ts';
import { Census } from './census.ts';
import { sizeOf } from './input/open.ts';
import type { ReadOptions } from './options.ts';
import { merged } from './order/merge.ts';
import { SlotBudget } from './order/sorter.ts';
import { ReadError } from './read-error.ts';
import { RecordedFile } from './recorded-file.ts';
import type { ReadSummary } from './summary.ts';

/** Maximum number of calls held for sorting, over all files: about 22 MB. */
const MAX_HELD = 600_000;
const MAX_BAD_SAMPLES = 3;
const PROGRESS_BYTES = 1_048_576;

/** Recorded calls, which can be iterated once. */
export type RecordedCalls = AsyncIterable<Call[]> & {
  /** The summary so far; complete after the last batch. */
  summary(): ReadSummary;
};

/**
 * Reads recorded calls from files, merged and ordered by start. Memory use does not depend on the file size. Queries,
 * bodies, addresses, ids in paths and names of persons are not kept.
 *
 * @returns batches of at most 1024 calls. Iteration throws ReadError when a file is unreadable, has no known format,
 * has over 5 % of invalid records, or is too far out of order, and when no calls are left.
 * @throws ReadError when a path is missing, empty, a folder or given twice, or an option is invalid.
 */
export function readCalls(paths: readonly string[], options: ReadOptions = {}): RecordedCalls {
  if (paths.length === 0) throw new ReadError('no file is given; name at least one file of recorded calls');
  const twice = paths.find((path, at) => paths.indexOf(path) !== at);
  if (twice !== undefined) throw new ReadError(`${twice} is given twice; its calls would be counted twice`);
  const totalBytes = paths.reduce((sum, path) => sum + sizeOf(path), 0);
  const census = new Census(options);
  const files = paths.map((path) => new RecordedFile(path, options));
  const range = { from: Number.NaN, to: Number.NaN };
  return {
    [Symbol.asyncIterator]: () => delivered(files, census, range, progress(totalBytes, options)),
    summary: () => summaryOf(files, census, range, options),
  };
}

async function* delivered(
  files: readonly RecordedFile[],
  census: Census,
  range: { from: number; to: number },
  onBytes: (bytes: number) => void,
): AsyncGenerator<Call[]> {
  const budget = new SlotBudget(MAX_HELD);
  const sources = [];
  for (const file of files) {
    const earliest = files.length === 1 ? Number.NEGATIVE_INFINITY : await file.earliest();
    sources.push({ earliest, open: () => file.calls(census, budget, onBytes) });
  }
  for await (const batch of merged(sources)) {
    if (Number.isNaN(range.from)) range.from = batch[0]!.start;
    range.to = batch.at(-1)!.start;
    yield batch;
  }
  census.check(files.map(({ path }) => path));
}

function progress(totalBytes: number, { onProgress }: ReadOptions): (bytes: number) => void {
  let read = 0;
  let told = 0;
  return (bytes) => {
    read += bytes;
    if (onProgress === undefined || (read - told < PROGRESS_BYTES && read < totalBytes)) return;
    told = read;
    onProgress(read, totalBytes);
  };
}

function summaryOf(
  files: readonly RecordedFile[],
  census: Census,
  range: { readonly from: number; readonly to: number },
  options: ReadOptions,
): ReadSummary {
  const opened = files.flatMap(({ path, format, counts: { lines, badLines } }) =>
    format === undefined ? [] : [{ path, format: format.name, title: format.title, lines, badLines }],
  );
  const first = opened.find(({ path }) => path === files[0]!.path) ?? opened[0];
  if (first === undefined) throw new ReadError('nothing was read yet; iterate the calls before their summary');
  const sampling = options.sampling ?? files.find(({ counts }) => counts.sampling !== undefined)?.counts.sampling;
  const notes = new Set([...files.flatMap((file) => file.notes()), ...census.notes()]);
  return {
    format: first.format,
    files: opened,
    lines: opened.reduce((sum, { lines }) => sum + lines, 0),
    badLines: opened.reduce((sum, { badLines }) => sum + badLines, 0),
    badSamples: files.flatMap(({ counts }) => counts.badSamples).slice(0, MAX_BAD_SAMPLES),
    calls: census.calls,
    excluded: census.excluded,
    withoutDuration: census.withoutDuration,
    ...range,
    breakers: census.breakers,
    instances: census.instances,
    statusTable: census.statusTable(),
    ...(sampling === undefined ? {} : { sampling }),
    notes: [...notes],
  };
}
