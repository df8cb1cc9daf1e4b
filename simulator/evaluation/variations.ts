import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { TUNING, type Tuning } from '../src/suggest/tuning.ts';

/** A suggestion whose constants differ from the usual ones in one. */
export interface Variation {
  readonly constant: keyof Tuning | undefined;
  readonly factor: number;
  readonly tuning: Tuning;
}

/** What a variation did on one edge. */
export interface EdgeResult {
  readonly series: string;
  readonly edge: string;
  /** Incidents with enough calls before them. */
  readonly incidents: number;
  readonly found: number;
  readonly falseOpenings: number;
}

const FACTORS = [0.5, 0.75, 1.25, 1.5];
/** Shares of which the part above them is varied, so that they stay below 1. */
const UPPER: readonly (keyof Tuning)[] = ['carefulPercentile', 'plainPercentile'];
const FRACTIONS: readonly (keyof Tuning)[] = ['failsAgain', 'worthASearch', 'slowMargin', 'timesUsual', 'windowRoom'];

/** The usual constants, then each constant a quarter and a half lower and higher. */
export function variations(): Variation[] {
  const each = (Object.keys(TUNING) as (keyof Tuning)[]).flatMap((constant) =>
    FACTORS.flatMap((factor): Variation[] => {
      const value = varied(constant, factor);
      if (`${value}` === `${TUNING[constant]}`) return [];
      return [{ constant, factor, tuning: { ...TUNING, [constant]: value } }];
    }),
  );
  return [{ constant: undefined, factor: 1, tuning: TUNING }, ...each];
}

function varied(constant: keyof Tuning, factor: number): number | readonly number[] {
  const value = TUNING[constant];
  if (typeof value !== 'number') return value.map((ms) => Math.round(ms * factor));
  if (UPPER.includes(constant)) return 1 - (1 - value) * factor;
  if (FRACTIONS.includes(constant)) return value * factor;
  const whole = Math.round(value * factor);
  return constant === 'failurePercent' || constant === 'slowPercent' ? Math.min(90, whole) : Math.max(1, whole);
}

/** Runs each variation on the series of a folder, on all processors. */
export async function runVariations(
  folder: string,
  all: readonly Variation[],
  onProgress: (done: number) => void = () => {},
): Promise<EdgeResult[][]> {
  const results = new Array<EdgeResult[]>(all.length);
  let [next, done] = [0, 0];
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(new URL('vary-worker.ts', import.meta.url), { workerData: { folder } });
      let current = next++;
      const give = () => (current < all.length ? worker.postMessage(all[current]!.tuning) : void worker.terminate());
      worker.on('message', (result: EdgeResult[]) => {
        results[current] = result;
        onProgress(++done);
        current = next++;
        give();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      give();
    });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  return results;
}
