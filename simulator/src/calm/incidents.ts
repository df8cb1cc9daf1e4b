import { FAILURE, IGNORED, type Trace, UNKNOWN } from '../calls/trace.ts';
import { quantile } from '../statistics/limits.ts';

/** A period, in milliseconds of the record. */
export interface Stretch {
  readonly from: number;
  readonly to: number;
}

/** A period in which calls failed or were slow. */
export interface Incident extends Stretch {
  readonly kinds: readonly ('failing' | 'slow')[];
  /** Whether the user named the incident. */
  readonly given?: true;
}

/** The incidents of a record, and the limits that separate them from calm traffic. */
export interface Segmentation {
  readonly incidents: readonly Incident[];
  /** The duration above which a call counted as slow: the upper percentile of calm calls. */
  readonly slowMs: number;
  /** The share of failures that counts as normal. */
  readonly usualFailureShare: number;
}

export interface SegmentOptions {
  /** Incidents named by the user, with their kinds where these are known. */
  readonly incident?: readonly (Stretch & Partial<Pick<Incident, 'kinds'>>)[];
  /** Calm periods named by the user. */
  readonly calm?: readonly Stretch[];
}

const MINUTE = 60_000;
/** A record of fewer minutes, most of which have a failure, is judged again in so many parts. */
const LEAST_PARTS = 20;
/** The evidence that starts an incident: a million to one. */
const ALARM = Math.log(1e6);
/** The evidence that ends an incident: a thousand to one. */
const ALL_CLEAR = Math.log(1e3);
const ROUNDS = 2;
/** The share of calm calls above the limit for slow calls. */
const SLOW_SHARE = 0.01;
/** Incidents that are closer than this are merged. */
const JOIN_MS = 30_000;

interface Ended {
  readonly start: Float64Array;
  readonly end: Float64Array;
  readonly duration: Float64Array;
  readonly failed: Uint8Array;
}

/**
 * Separates incidents from calm traffic in the calls of all processes of a breaker. The method is a Bernoulli CUSUM
 * over calls in the order of their ends (Reynolds and Stoumbos 1999), once for failures and once for slow calls. Its
 * limits come from the calls outside of the incidents found so far.
 */
export function segment(traces: readonly Trace[], { incident = [], calm = [] }: SegmentOptions = {}): Segmentation {
  const calls = byEnd(traces);
  const given = incident.map((each) => ({ kinds: [], ...each, given: true as const }));
  let found: Incident[] = given;
  let slowMs = firstSlowLimit(calls);
  let usual = usualShare(calls);
  for (let round = 0; round < ROUNDS; round++) {
    const failing = cusum(calls, (i) => calls.failed[i] === 1, usual);
    const slow = cusum(calls, (i) => calls.duration[i]! > slowMs, SLOW_SHARE);
    const seen: Incident[] = [
      ...failing.map((each) => ({ ...each, kinds: ['failing' as const] })),
      ...slow.map((each) => ({ ...each, kinds: ['slow' as const] })),
    ];
    // Before they are joined: what the user calls calm must not lengthen an incident beside it.
    const isCalm = ({ from, to }: Stretch) => calm.some((quiet) => quiet.from <= from && to <= quiet.to);
    found = joined([...given, ...seen.filter((each) => !isCalm(each))]);
    const left = outside(calls, found);
    if (left.length === 0) break;
    const durations = left.filter((i) => calls.failed[i] === 0).map((i) => calls.duration[i]!);
    if (durations.length > 0) slowMs = quantile(Float64Array.from(durations).sort(), 1 - SLOW_SHARE);
    usual = left.filter((i) => calls.failed[i] === 1).length / left.length;
  }
  return { incidents: found, slowMs, usualFailureShare: usual };
}

function byEnd(traces: readonly Trace[]): Ended {
  const size = traces.reduce((sum, { start }) => sum + start.length, 0);
  const all = { start: new Float64Array(size), duration: new Float64Array(size), failed: new Uint8Array(size) };
  const end = new Float64Array(size);
  let at = 0;
  for (const { start, duration, outcome } of traces) {
    for (let i = 0; i < start.length; i++) {
      if (outcome[i] === IGNORED || outcome[i] === UNKNOWN) continue;
      all.start[at] = start[i]!;
      all.duration[at] = duration[i]!;
      all.failed[at] = outcome[i] === FAILURE ? 1 : 0;
      end[at] = start[i]! + duration[i]!;
      at++;
    }
  }
  const order = Uint32Array.from({ length: at }, (_, i) => i).sort((a, b) => end[a]! - end[b]! || a - b);
  const sorted = <T extends Float64Array | Uint8Array>(from: T, to: T): T => {
    order.forEach((source, target) => {
      to[target] = from[source]!;
    });
    return to;
  };
  return {
    start: sorted(all.start, new Float64Array(at)),
    duration: sorted(all.duration, new Float64Array(at)),
    failed: sorted(all.failed, new Uint8Array(at)),
    end: sorted(end, new Float64Array(at)),
  };
}

/**
 * The first limit for slow calls, before any incident is known: the upper percentile of calls in the half of the
 * minutes with the lower medians.
 */
function firstSlowLimit({ end, duration }: Ended): number {
  const medians: { readonly middle: number; readonly values: Float64Array }[] = [];
  for (const [first, last] of parts(end, MINUTE)) {
    const values = duration.slice(first, last).sort();
    medians.push({ middle: quantile(values, 0.5), values });
  }
  medians.sort((a, b) => a.middle - b.middle);
  const quiet = medians.slice(0, Math.ceil(medians.length / 2)).flatMap(({ values }) => [...values]);
  return quiet.length === 0 ? Number.POSITIVE_INFINITY : quantile(Float64Array.from(quiet).sort(), 1 - SLOW_SHARE);
}

/**
 * The median of the failure shares of minutes, which minutes of an incident hardly affect. When half of the minutes
 * have a failure, failures are normal, and the result is the share over all calls; in a record of a few minutes, one
 * incident may reach into most of them, so that shorter parts decide.
 */
function usualShare({ end, failed }: Ended): number {
  const partMs = ((end.at(-1) ?? 0) - (end[0] ?? 0)) / LEAST_PARTS;
  const sharesOf = (ms: number) => parts(end, ms).map(([first, last]) => share(failed, first, last));
  let shares = sharesOf(MINUTE);
  if (areMostFailing(shares) && partMs < MINUTE) shares = sharesOf(Math.max(1, partMs));
  if (shares.length === 0) return 0;
  if (areMostFailing(shares)) return share(failed, 0, failed.length);
  return quantile(
    shares.sort((a, b) => a - b),
    0.5,
  );
}

function areMostFailing(shares: readonly number[]): boolean {
  return shares.filter((each) => each > 0).length * 2 > shares.length;
}

function share(failed: Uint8Array, first: number, last: number): number {
  return failed.subarray(first, last).reduce((sum, one) => sum + one, 0) / (last - first);
}

function parts(end: Float64Array, lengthMs: number): [first: number, last: number][] {
  const found: [number, number][] = [];
  for (let first = 0; first < end.length; ) {
    const part = Math.floor(end[first]! / lengthMs);
    let last = first + 1;
    while (last < end.length && Math.floor(end[last]! / lengthMs) === part) last++;
    found.push([first, last]);
    first = last;
  }
  return found;
}

/**
 * Marked calls add evidence for an incident, and other calls remove some. During an incident, unmarked calls add
 * evidence for its end, relative to the share of marked calls in it. So a total outage ends after a few good calls, and
 * a partial one after more.
 */
function cusum({ start, end }: Ended, isHit: (call: number) => boolean, usual: number): Stretch[] {
  const p0 = Math.min(0.5, Math.max(usual, 0.001));
  const p1 = Math.min(0.95, Math.max(5 * p0, 0.1));
  const up = Math.log(p1 / p0);
  const down = Math.log((1 - p1) / (1 - p0));
  const found: Stretch[] = [];
  let [sum, over, hits, calls, from, lastHit] = [0, 0, 0, 0, 0, 0];
  let isAlarmed = false;
  for (let call = 0; call < end.length; call++) {
    const hit = isHit(call);
    if (hit) {
      if (sum === 0) [from, hits, calls] = [start[call]!, 0, 0];
      from = Math.min(from, start[call]!);
      sum += up;
      hits++;
      lastHit = end[call]!;
    } else if (sum > 0 && !isAlarmed) sum = Math.max(0, sum + down);
    if (sum > 0) calls++;
    if (!isAlarmed) {
      isAlarmed = sum >= ALARM;
      over = 0;
      continue;
    }
    const shown = Math.min(0.95, Math.max(p1, hits / calls / 2));
    over = Math.max(0, over - (hit ? Math.log(shown / p0) : Math.log((1 - shown) / (1 - p0))));
    if (over < ALL_CLEAR) continue;
    found.push({ from, to: lastHit });
    isAlarmed = false;
    sum = 0;
  }
  if (isAlarmed) found.push({ from, to: lastHit });
  return found;
}

function joined(stretches: readonly Incident[]): Incident[] {
  const sorted = [...stretches].sort((a, b) => a.from - b.from);
  const found: Incident[] = [];
  for (const each of sorted) {
    const before = found.at(-1);
    if (before === undefined || each.from > before.to + JOIN_MS) found.push(each);
    else {
      const kinds = [...new Set([...before.kinds, ...each.kinds])];
      found[found.length - 1] = { ...before, ...each, from: before.from, to: Math.max(before.to, each.to), kinds };
    }
  }
  return found;
}

function outside({ start, end }: Ended, stretches: readonly Stretch[]): number[] {
  const found: number[] = [];
  for (let call = 0; call < start.length; call++) {
    if (!stretches.some(({ from, to }) => end[call]! >= from && start[call]! <= to)) found.push(call);
  }
  return found;
}
