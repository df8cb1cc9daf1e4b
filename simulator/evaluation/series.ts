import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Trace } from '../src/calls/trace.ts';
import { TraceBuilder } from '../src/calls/trace-builder.ts';

/** An incident that can be seen on an edge, in milliseconds of the series. */
export interface VisibleIncident {
  readonly start: number;
  readonly end: number;
  readonly kinds: readonly string[];
}

/** The calls of one caller to one callee, with what happened to them. */
export interface Edge {
  readonly series: string;
  readonly from: string;
  readonly to: string;
  readonly trace: Trace;
  readonly incidents: readonly VisibleIncident[];
  /** Stretches of the series that were not recorded. */
  readonly gaps: readonly (readonly [from: number, to: number])[];
}

interface Sidecar {
  readonly notFailures?: { readonly kinds: readonly string[] } | null;
  readonly gaps?: readonly (readonly [number, number])[];
  readonly visibleIncidents: readonly (VisibleIncident & { readonly from: string; readonly to: string })[];
}

interface Line {
  readonly t: number;
  readonly d: number;
  readonly s: number | null;
  readonly e: string | null;
  readonly from: string;
  readonly to: string;
}

/**
 * Reads a folder of recorded series: `NAME.ndjson.gz` (or `NAME.ndjson`) with one call a line and `NAME.json` beside
 * it.
 *
 * @param minimumCalls edges with fewer calls are left out, unless they have an incident.
 * @throws Error that names the folder, where it holds no series.
 */
export function readSeries(folder: string, minimumCalls = 100): Edge[] {
  const names = readdirSync(folder).filter((name) => /\.ndjson(\.gz)?$/.test(name));
  if (names.length === 0)
    throw new Error(`${folder} holds no series; each is a NAME.ndjson.gz with a NAME.json beside it`);
  return names.sort().flatMap((name) => {
    const series = name.replace(/\.ndjson(\.gz)?$/, '');
    const sidecar = join(folder, `${series}.json`);
    if (!existsSync(sidecar)) throw new Error(`${name} has no ${series}.json beside it, which names its incidents`);
    const bytes = readFileSync(join(folder, name));
    const text = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    return edgesOf(series, text, JSON.parse(readFileSync(sidecar, 'utf8')) as Sidecar, minimumCalls);
  });
}

function edgesOf(series: string, text: string, sidecar: Sidecar, minimumCalls: number): Edge[] {
  const notFailures = new Set(sidecar.notFailures?.kinds ?? []);
  const found = new Map<string, { from: string; to: string; trace: TraceBuilder }>();
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const { t, d, s, e, from, to } = JSON.parse(line) as Line;
    const name = JSON.stringify([from, to]);
    let edge = found.get(name);
    if (edge === undefined) {
      edge = { from, to, trace: new TraceBuilder(from) };
      found.set(name, edge);
    }
    const failed = (s !== null && s >= 500) || (e !== null && !notFailures.has(e));
    edge.trace.add({ start: t, durationMs: d, outcome: failed ? 'failure' : 'success', breaker: to });
  }
  return [...found.values()]
    .map(({ from, to, trace }) => ({
      series,
      from,
      to,
      trace: trace.build(),
      incidents: sidecar.visibleIncidents
        .filter((each) => each.from === from && each.to === to)
        .sort((a, b) => a.start - b.start),
      gaps: sidecar.gaps ?? [],
    }))
    .filter(({ trace, incidents }) => trace.start.length >= minimumCalls || incidents.length > 0);
}
