import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { FAILURE } from '../src/calls/trace.ts';
import { type Made, made } from './generator.ts';

const EDGE = { from: 'shop', to: 'orders' };

/** A made series of one caller and one callee for `npm run eval:thresholds`. */
interface MadeSeries {
  readonly name: string;
  readonly traffic: Made;
  readonly seed: number;
}

/** One line of a series for each call of a trace, in the form of the recorded ones. */
function linesOf(traffic: Made, seed: number): string[] {
  const { start, duration, outcome } = made(traffic, seed);
  return Array.from(start, (t, i) => {
    const failed = outcome[i] === FAILURE;
    const seen = { s: failed ? null : 200, e: failed ? 'timeout' : null };
    return JSON.stringify({ t: Math.round(t), d: Math.round(duration[i]! * 10) / 10, ...seen, ...EDGE });
  });
}

/** The sidecar of a series: its outage and its slow-down are its incidents. */
export function sidecarOf({ outage, slow }: Made) {
  const incident = (kind: string, stretch: readonly [number, number] | undefined) =>
    stretch === undefined ? [] : [{ ...EDGE, start: stretch[0] * 1_000, end: stretch[1] * 1_000, kinds: [kind] }];
  return { notFailures: null, gaps: [], visibleIncidents: [...incident('errors', outage), ...incident('slow', slow)] };
}

/** Writes series into a folder that is made. */
export function writeSeries(folder: string, all: readonly MadeSeries[]): void {
  mkdirSync(folder, { recursive: true });
  for (const { name, traffic, seed } of all) {
    writeFileSync(join(folder, `${name}.ndjson.gz`), gzipSync(`${linesOf(traffic, seed).join('\n')}\n`));
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(sidecarOf(traffic)));
  }
}
