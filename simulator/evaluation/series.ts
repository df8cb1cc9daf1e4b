import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
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

/** What is wrong with a folder of series, for the person who gave it. */
export class SeriesError extends Error {}

const STRETCH = { start: z.number(), end: z.number() };
const SIDECAR = z.object({
  notFailures: z.object({ kinds: z.array(z.string()) }).nullish(),
  gaps: z.array(z.tuple([z.number(), z.number()])).optional(),
  visibleIncidents: z.array(
    z
      .object({ ...STRETCH, from: z.string(), to: z.string(), kinds: z.array(z.string()) })
      .refine(({ start, end }) => start <= end, { message: 'ends before it starts' }),
  ),
});
const LINE = z.object({
  t: z.number(),
  d: z.number().min(0),
  s: z.number().nullable(),
  e: z.string().nullable(),
  from: z.string(),
  to: z.string(),
});
type Sidecar = z.infer<typeof SIDECAR>;

/**
 * Reads a folder of recorded series: `NAME.ndjson.gz` (or `NAME.ndjson`) with one call a line and `NAME.json` beside
 * it.
 *
 * @param minimumCalls edges with fewer calls are left out, unless they have an incident.
 * @throws SeriesError that names the file, and the line, that is not as it should be.
 */
export function readSeries(folder: string, minimumCalls = 100): Edge[] {
  const names = attempt(`${folder} cannot be read`, () => readdirSync(folder)).filter((name) =>
    /\.ndjson(\.gz)?$/.test(name),
  );
  if (names.length === 0)
    throw new SeriesError(`${folder} holds no series; each is a NAME.ndjson.gz with a NAME.json beside it`);
  const edges = names.sort().flatMap((name) => {
    const series = name.replace(/\.ndjson(\.gz)?$/, '');
    const sidecar = join(folder, `${series}.json`);
    if (!existsSync(sidecar))
      throw new SeriesError(`${name} has no ${series}.json beside it, which names its incidents`);
    const incidents = checked(SIDECAR, `${series}.json`, readFileSync(sidecar, 'utf8'));
    const text = attempt(`${name} cannot be read`, () => {
      const bytes = readFileSync(join(folder, name));
      return (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('utf8');
    });
    return edgesOf(name, series, text, incidents, minimumCalls);
  });
  if (edges.length === 0)
    throw new SeriesError(`${folder} holds no edge with ${minimumCalls} calls or with an incident`);
  return edges;
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new SeriesError(`${what}: ${(error as Error).message}`);
  }
}

function checked<T>(schema: z.ZodType<T>, place: string, text: string): T {
  const value = attempt(`${place} is not JSON`, () => JSON.parse(text) as unknown);
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const [{ path, message }] = error.issues as [z.core.$ZodIssue];
  throw new SeriesError(`${place}: ${path.length === 0 ? '' : `${path.join('.')}: `}${message}`);
}

function edgesOf(file: string, series: string, text: string, sidecar: Sidecar, minimumCalls: number): Edge[] {
  const notFailures = new Set(sidecar.notFailures?.kinds ?? []);
  const found = new Map<string, { from: string; to: string; trace: TraceBuilder }>();
  text.split('\n').forEach((line, at) => {
    if (line.trim() === '') return;
    const { t, d, s, e, from, to } = checked(LINE, `${file}, line ${at + 1}`, line);
    const name = JSON.stringify([from, to]);
    let edge = found.get(name);
    if (edge === undefined) {
      edge = { from, to, trace: new TraceBuilder(from) };
      found.set(name, edge);
    }
    const failed = (s !== null && s >= 500) || (e !== null && !notFailures.has(e));
    edge.trace.add({ start: t, durationMs: d, outcome: failed ? 'failure' : 'success', breaker: to });
  });
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
