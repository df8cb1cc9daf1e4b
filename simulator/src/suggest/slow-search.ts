import { firstAt, type Trace } from '../calls/trace.ts';
import { type CalmFigures, calmQuantile } from '../calm/figures.ts';
import { replay } from '../replay/replay.ts';
import { inject, SLOW_DOWNS } from './injection.ts';
import { ENOUGH_DURATIONS, plainSlow, SHORTEST_SLOW_MS } from './recipe.ts';
import { type Form, type Rule, type SlowRule, specOf, twoDigits } from './rule.ts';
import { TUNING, type Tuning } from './tuning.ts';
import { type EndedCalls, endedCalls, firstReached, greatestShare, slowCalls } from './window-scan.ts';

/** The input and result of a search. */
export interface SlowChoice {
  readonly rule: Rule;
  /** The share of injected slow calls that the rule lets through, 0 to 1. */
  readonly missed: number;
  /** Number of examined rules, and of those that stay closed in calm traffic. */
  readonly tried: number;
  readonly kept: number;
}

/** The thresholds and minimums of calls that a search combines with windows and durations. */
export interface Grid {
  readonly percents: readonly number[];
  readonly sizes: readonly number[];
}

const GRID: Grid = { percents: [50, 60, 70, 80, 90], sizes: [10, 20] };
const PLACES = 12;

interface Fault {
  readonly calls: EndedCalls;
  readonly from: number;
  /** When the calls of the fault start. */
  readonly starts: Float64Array;
}

/**
 * Searches the window, duration and share of the condition on slow calls. Among the rules that stay closed in calm and
 * slightly slower traffic, the one that lets the fewest injected slow calls through wins. The plain rule is kept when
 * it stays closed in calm traffic and lets hardly more through.
 *
 * @param base the rule for all other values.
 * @returns undefined when too few durations were recorded, or when no rule stays closed in calm traffic.
 */
export function searchSlow(
  base: Rule,
  figures: CalmFigures,
  calm: readonly Trace[],
  tuning: Tuning = TUNING,
  { percents, sizes }: Grid = GRID,
): SlowChoice | undefined {
  if (figures.durations.length < ENOUGH_DURATIONS) return undefined;
  const ended = calm.map(endedCalls);
  const faults = SLOW_DOWNS.flatMap((fault, seed) => inject(calm, fault, PLACES, seed + 1)).map(
    ({ trace, from }): Fault => ({
      calls: endedCalls(trace),
      from,
      starts: trace.start.subarray(firstAt(trace.start, from)),
    }),
  );
  const found: { readonly rule: Rule; readonly missed: number }[] = [];
  let tried = 0;
  for (const slowerThanMs of limits(figures)) {
    const usuallySlow = ended.map((calls) => slowCalls(calls, slowerThanMs / tuning.slowMargin));
    const slowInFaults = faults.map(({ calls }) => slowCalls(calls, slowerThanMs));
    for (const { form, minimumCalls } of windows(figures.rate, sizes, tuning)) {
      tried += percents.length;
      const usual = Math.max(...ended.map(({ end }, at) => greatestShare(end, usuallySlow[at]!, form, minimumCalls)));
      const clear = percents.filter((percent) => percent > usual * 100 + tuning.slowHeadroom);
      missed(faults, slowInFaults, form, minimumCalls, clear).forEach((share, at) => {
        const slow = { percent: clear[at]!, slowerThanMs };
        found.push({ rule: { ...base, form, minimumCalls, slow }, missed: share });
      });
    }
  }
  const best = careful(found).find(({ rule }) => staysClosed(rule, calm));
  const plain = { ...base, ...plainSlow(figures, tuning.plainPercentile, tuning) };
  const plainMissed = missedBy(plain, ended, faults, calm, tuning.slowHeadroom);
  tried++;
  if (plainMissed !== undefined && plainMissed <= (best?.missed ?? 1) + tuning.worthASearch) {
    return { rule: plain, missed: plainMissed, tried, kept: found.length + 1 };
  }
  return best === undefined ? undefined : { ...best, tried, kept: found.length };
}

/** The share of fault calls that a rule lets through. @returns undefined when the rule opens in calm traffic. */
function missedBy(
  rule: Rule & { readonly slow: SlowRule },
  ended: readonly EndedCalls[],
  faults: readonly Fault[],
  calm: readonly Trace[],
  headroom: number,
): number | undefined {
  const { form, minimumCalls, slow } = rule;
  const greatest = Math.max(
    ...ended.map((calls) => greatestShare(calls.end, slowCalls(calls, slow.slowerThanMs), form, minimumCalls)),
  );
  if (greatest * 100 + headroom > slow.percent || !staysClosed(rule, calm)) return undefined;
  const inFaults = faults.map(({ calls }) => slowCalls(calls, slow.slowerThanMs));
  return missed(faults, inFaults, form, minimumCalls, [slow.percent])[0];
}

/** For each threshold, the share of fault calls before the threshold was reached. */
function missed(
  faults: readonly Fault[],
  slow: readonly Uint8Array[],
  form: Form,
  minimumCalls: number,
  percents: readonly number[],
): number[] {
  const sums = percents.map(() => 0);
  if (percents.length === 0) return sums;
  faults.forEach(({ calls, from, starts }, fault) => {
    firstReached(calls.end, slow[fault]!, form, minimumCalls, percents, from).forEach((at, which) => {
      sums[which]! += firstAt(starts, at) / starts.length;
    });
  });
  return sums.map((sum) => (faults.length === 0 ? 1 : sum / faults.length));
}

/**
 * Sorts rules by the share that they let through. Of rules with about the same share, the one with the longest limit
 * and the highest threshold comes first.
 */
function careful<T extends { readonly rule: Rule; readonly missed: number }>(found: readonly T[]): T[] {
  const step = ({ missed: share }: T) => Math.round(share * SAME);
  const limit = ({ rule }: T) => rule.slow!.slowerThanMs;
  return [...found].sort(
    (a, b) => step(a) - step(b) || limit(b) - limit(a) || b.rule.slow!.percent - a.rule.slow!.percent,
  );
}

/** Shares that differ by less than a fiftieth count as equal. */
const SAME = 50;

/** Replays the rule with the agent's core, because the scan ignores running calls. */
function staysClosed(rule: Rule, calm: readonly Trace[]): boolean {
  return calm.every((trace) => replay(onlySlow(rule), trace).transitions.length === 0);
}

/** The rule with only its condition on slow calls. The condition on failures is examined elsewhere. */
function onlySlow(rule: Rule) {
  const { trip, ...rest } = specOf(rule);
  const { failureRate: _, consecutiveFailures: __, ...slow } = trip!;
  return { ...rest, trip: slow };
}

function limits(figures: CalmFigures): number[] {
  const middle = calmQuantile(figures, 0.5)!;
  const found = [0.99, 0.95, 0.9, 0.8, 0.7].flatMap((p) =>
    [1, 1.5, 2].map((times) => times * calmQuantile(figures, p)!),
  );
  const rounded = [...found, 2.5 * middle].map((ms) => twoDigits(Math.max(SHORTEST_SLOW_MS, ms, 2 * middle)));
  return [...new Set(rounded)];
}

/**
 * Windows with enough calls at this rate. A Count window is used only when no time is long enough, because ten calls of
 * a busy breaker span only a moment.
 */
function windows(
  rate: number,
  sizes: readonly number[],
  { windowRoom }: Tuning,
): { form: Form; minimumCalls: number }[] {
  return sizes.flatMap((minimumCalls) => {
    const times = [10_000, 20_000, 30_000, 60_000].filter((ms) => (rate * ms) / 1_000 >= windowRoom * minimumCalls);
    const forms: Form[] = times.slice(0, 2).map((ms): Form => ({ type: 'Time', ms }));
    if (forms.length === 0) forms.push({ type: 'Count', size: minimumCalls });
    return forms.map((form) => ({ form, minimumCalls }));
  });
}
