import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  FORMAT_NAMES,
  type FormatName,
  OUTCOMES,
  ReadError,
  type ReadOptions,
  readCalls,
} from '../../traffic/src/index.ts';
import { SAMPLES } from '../../traffic/test/samples.ts';
import { asJson, asLines, must, type Target, type Verdict, Violation } from '../target.ts';

/** Columns of the samples of formats whose columns the user names. */
const FIELDS: ReadOptions['fields'] = { time: 'when', duration: 'took', status: 'code' };

/** A counter of Prometheus stands for any number of calls. How the first of them are read shows how all are. */
const ENOUGH_CALLS = 50_000;

/** A counter may rise by hundreds of thousands of calls in a step, which are put in order before the first is read. */
const ORDER_MS = 2_000;

let folder: string | undefined;

async function read(content: Buffer | string, options: ReadOptions): Promise<Verdict> {
  folder ??= mkdtempSync(join(tmpdir(), 'fuseboard-fuzz-'));
  const path = join(folder, 'calls');
  writeFileSync(path, content);
  let made = 0;
  try {
    for await (const batch of readCalls([path], options)) {
      for (const { start, durationMs, outcome } of batch) {
        // A duration that the format does not tell is NaN.
        must(Number.isFinite(start) && !(durationMs < 0), `${start}, ${durationMs}`);
        must(OUTCOMES.includes(outcome), outcome);
      }
      made += batch.length;
      if (made >= ENOUGH_CALLS) break;
    }
    return { sound: true, made };
  } catch (error) {
    if (error instanceof Violation) throw error;
    must(error instanceof ReadError, `${(error as Error).stack}`);
    return { sound: false };
  }
}

async function end(): Promise<void> {
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  folder = undefined;
}

/** A file of calls in any format. The first line names the format; without a known one, the reader finds it out. */
export const traffic: Target = {
  name: 'traffic',
  corpus: FORMAT_NAMES.map((format) => Buffer.from(`${format}\n${SAMPLES[format]}`)),
  share: 30,
  mutate: asLines,
  async run(input) {
    const text = input.toString();
    const format = FORMAT_NAMES.find((name) => text.startsWith(`${name}\n`));
    return read(format === undefined ? text : text.slice(format.length + 1), optionsOf(format));
  },
  standsForMs: ORDER_MS,
  end,
};

/** An answer of Prometheus to a range query. */
export const prometheusAnswer: Target = {
  name: 'prometheus',
  corpus: [Buffer.from(SAMPLES.prometheus)],
  share: 20,
  mutate: asJson,
  run: (input) => read(input, optionsOf('prometheus')),
  standsForMs: ORDER_MS,
  end,
};

/** What the recorder of an agent wrote. */
export const recordedCalls: Target = {
  name: 'recording',
  corpus: [Buffer.from(SAMPLES.recording)],
  share: 20,
  mutate: asLines,
  run: (input) => read(input, optionsOf('recording')),
  end,
};

const optionsOf = (format: FormatName | undefined): ReadOptions => ({
  ...(format !== undefined && { format }),
  ...((format === 'csv' || format === 'ndjson') && { fields: FIELDS }),
});
