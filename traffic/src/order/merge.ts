import type { Call } from '../call.ts';

/** A sorted source of calls that is opened on demand. */
export interface Source {
  /** A lower limit of the start times of its calls. */
  readonly earliest: number;
  open(): AsyncGenerator<Call[]>;
}

interface Reading {
  readonly batches: AsyncGenerator<Call[]>;
  batch: Call[];
  at: number;
}

const BATCH = 1024;

/** Merges sorted sources by start. Only sources that overlap in time are open at once. */
export async function* merged(sources: readonly Source[]): AsyncGenerator<Call[]> {
  const waiting = [...sources].sort((a, b) => a.earliest - b.earliest);
  const readings: Reading[] = [];
  try {
    let found: Call[] = [];
    for (;;) {
      while (waiting.length > 0 && (readings.length === 0 || waiting[0]!.earliest <= startOf(first(readings)!))) {
        const reading: Reading = { batches: waiting.shift()!.open(), batch: [], at: 0 };
        if (await refill(reading)) readings.push(reading);
      }
      const next = first(readings);
      if (next === undefined) break;
      // Until this time, no other source has an earlier call, so the calls of this one need no comparison.
      const others = readings.filter((one) => one !== next).map(startOf);
      const until = Math.min(...others, waiting[0]?.earliest ?? Number.POSITIVE_INFINITY);
      do {
        found.push(next.batch[next.at++]!);
        if (found.length >= BATCH) {
          yield found;
          found = [];
        }
        if (next.at === next.batch.length && !(await refill(next))) {
          readings.splice(readings.indexOf(next), 1);
          break;
        }
      } while (startOf(next) <= until);
    }
    if (found.length > 0) yield found;
  } finally {
    for (const { batches } of readings) await batches.return(undefined);
  }
}

const startOf = ({ batch, at }: Reading): number => batch[at]!.start;

function first(readings: readonly Reading[]): Reading | undefined {
  let least = readings[0];
  for (const one of readings) if (startOf(one) < startOf(least!)) least = one;
  return least;
}

async function refill(reading: Reading): Promise<boolean> {
  for (;;) {
    const next = await reading.batches.next();
    if (next.done) return false;
    if (next.value.length === 0) continue;
    reading.batch = next.value;
    reading.at = 0;
    return true;
  }
}
