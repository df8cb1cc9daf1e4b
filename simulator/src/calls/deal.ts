import { seededRandom } from './random.ts';
import type { Trace } from './trace.ts';

/**
 * Distributes the calls of one trace randomly over processes, when the record does not name the caller. Each process
 * gets its share of the rate. A burst that only one process had is spread over all of them.
 */
export function deal(trace: Trace, processes: number, seed = 1): Trace[] {
  const random = seededRandom(seed);
  const owner = Uint32Array.from({ length: trace.start.length }, () => Math.floor(random() * processes));
  return Array.from({ length: processes }, (_, process) => {
    const mine = (_value: number, i: number) => owner[i] === process;
    return {
      process: `assumed-${process + 1}`,
      start: trace.start.filter(mine),
      duration: trace.duration.filter(mine),
      outcome: trace.outcome.filter(mine),
      ...(trace.key === undefined ? {} : { key: trace.key.filter(mine) }),
    };
  });
}
