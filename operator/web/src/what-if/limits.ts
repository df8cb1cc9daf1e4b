import type { TripCondition } from '@fuseboard/schema/trip-conditions';
import type { Numbers } from './numbers.ts';
import type { Step, Steps } from './steps.ts';

/** Whether some process must have opened in a step, may have, or cannot have, whatever the order of calls. */
type Verdict = 'no' | 'may' | 'must';

/** What holds for every order of the calls within their steps. */
export interface Limits {
  readonly verdicts: readonly Verdict[];
  /** The longest that a circuit can have been open or half-open, in milliseconds. */
  readonly openMs: number;
  /** The most calls that can have been rejected. */
  readonly rejected: number;
  /** The most calls that failed in fact and can have been rejected instead. */
  readonly spared: number;
}

/** A call is counted with the next report of its agent, at most this long after its end. */
const REPORT_MS = 10_000;

/** A call under way counts as slow from `slowerThan` to this many times as long. */
const SLOW_UNDER_WAY = 10;

/**
 * The limits of what a policy would have done. They hold for calls in any order, when each process makes its share of
 * the calls of each step. A call that was rejected in fact may have failed, and may have succeeded.
 *
 * @param processes how many processes made the calls, at least 1.
 * @returns undefined for a window that fades: sums of steps limit nothing in it.
 */
export function limitsOf(series: Steps, numbers: Numbers, processes: number): Limits | undefined {
  if (numbers.window.type === 'Ewma') return undefined;
  const runs = runVerdicts(series, numbers, processes);
  const verdicts = series.steps.map((step, at) => {
    if (runs[at] === 'must' || numbers.conditions.some((one) => must(one, series, step, numbers, processes))) {
      return 'must';
    }
    return runs[at] === 'may' || numbers.conditions.some((one) => may(one, series, at, numbers, processes))
      ? 'may'
      : 'no';
  });
  return { verdicts, ...most(series, numbers, verdicts, processes) };
}

interface SetCondition {
  readonly condition: TripCondition;
  readonly threshold: number;
}

/** The highest number of measured calls with which one process can stay closed, however they lie in the step. */
function quiet({ condition, threshold }: SetCondition, calls: number, stepMs: number, numbers: Numbers): number {
  const { window, minimumCalls } = numbers;
  const below = (of: number) => (condition.isRate ? Math.ceil((threshold * of) / 100) - 1 : threshold - 1);
  if (window.type === 'Count') {
    // The last call of each full window sees just its calls.
    const full = Math.floor(calls / window.size);
    return full * below(window.size) + (calls - full * window.size);
  }
  if (window.type !== 'Time') return calls;
  // As many windows in a row hold all calls of a step and its reports. Windows begin with one of their ten parts.
  const windows = Math.ceil((stepMs + REPORT_MS + window.ms / 10) / window.ms);
  if (!condition.isRate) return Math.min(calls, windows * below(0));
  const few = minimumCalls - 1;
  if (calls <= windows * few) return calls;
  // All windows but one hold too few calls for a rate, all of them failed; the last one is just below the threshold.
  return (windows - 1) * few + below(calls - (windows - 1) * few);
}

function must(one: SetCondition, { stepMs }: Steps, step: Step, numbers: Numbers, processes: number): boolean {
  const { measures } = one.condition;
  if (measures === 'consecutiveFailures') return false;
  const measured = measures === 'slow' ? step.slowLeast : step.failed;
  const own = (step.calls + step.rejected) / processes;
  const calm = [Math.floor(own), Math.ceil(own)].map((calls) => quiet(one, calls, stepMs, numbers));
  return measured > processes * Math.max(...calm);
}

function may({ condition, threshold }: SetCondition, series: Steps, at: number, numbers: Numbers, processes: number) {
  const { measures, isRate } = condition;
  if (measures === 'consecutiveFailures') return false;
  const { steps, stepMs } = series;
  const { window, minimumCalls, slowerThanMs = 0 } = numbers;
  const ahead = measures === 'slow' ? Math.ceil((SLOW_UNDER_WAY * slowerThanMs) / stepMs) : 0;
  const back = window.type === 'Time' ? Math.ceil((window.ms + REPORT_MS) / stepMs) : at;
  let [calls, measured, earlier] = [0, 0, 0];
  for (let i = Math.min(steps.length - 1, at + ahead); i >= Math.max(0, at - back); i -= 1) {
    // A window that ends with the first call of the step is full of those before it.
    if (window.type === 'Count' && earlier >= window.size) break;
    const own = ownCalls(steps[i]!, processes);
    if (i < at) earlier += Math.floor((steps[i]!.calls + steps[i]!.rejected) / processes);
    calls += own;
    measured += Math.min(own, mostOf(steps[i]!, measures));
  }
  if (measured === 0) return false;
  return isRate ? calls >= minimumCalls && measured * 100 >= threshold * minimumCalls : measured >= threshold;
}

/** The most calls of one process. */
const ownCalls = ({ calls, rejected }: Step, processes: number) => Math.ceil((calls + rejected) / processes);

const mostOf = ({ failed, slowMost, rejected }: Step, measures: 'failures' | 'slow') =>
  (measures === 'slow' ? slowMost : failed) + rejected;

/** The verdicts on failures in a row, which reach from step to step. */
function runVerdicts({ steps }: Steps, { conditions }: Numbers, processes: number): Verdict[] {
  const set = conditions.find(({ condition }) => condition.measures === 'consecutiveFailures');
  if (set === undefined) return steps.map(() => 'no');
  let [longest, sure] = [0, 0];
  return steps.map((step) => {
    const { calls, failed, rejected } = step;
    if (calls + rejected === 0) return 'no';
    const own = ownCalls(step, processes);
    const failures = Math.min(own, failed + rejected);
    const run = failures === 0 ? 0 : longest + failures;
    longest = failures === own ? longest + failures : failures;
    // Successes part the failures of all processes into at most so many runs.
    const parts = calls + rejected - failed + processes;
    const allFailed = failed === calls + rejected;
    sure = allFailed ? sure + Math.floor(calls / processes) : 0;
    if (Math.max(sure, Math.ceil(failed / parts)) >= set.threshold) return 'must';
    return run >= set.threshold ? 'may' : 'no';
  });
}

/** The most that the steps allow: open from each step in which it may open, as long as any probe may fail. */
function most({ steps, stepMs }: Steps, numbers: Numbers, verdicts: readonly Verdict[], processes: number) {
  const { longestOpenMs, probes, probeTimeoutMs, rampMs, conditions } = numbers;
  const recoveryMs = longestOpenMs + (rampMs ?? probeTimeoutMs);
  const looksAtSlow = conditions.some(({ condition }) => condition.measures === 'slow');
  let until = 0;
  let [openMs, rejected, spared] = [0, 0, 0];
  steps.forEach((step, at) => {
    const [begin, end] = [at * stepMs, (at + 1) * stepMs];
    const mayFail = step.failed + step.rejected > 0 || (looksAtSlow && step.slowMost > 0);
    const mayOpen = verdicts[at] !== 'no';
    if (mayOpen || (until > begin && mayFail)) until = Math.max(until, end + recoveryMs);
    if (until <= begin) return;
    openMs += mayOpen ? stepMs : Math.min(stepMs, until - begin);
    rejected += step.calls + step.rejected;
    spared += step.failed;
    // Without enough calls for its probes, a circuit stays open.
    if (Math.floor((step.calls + step.rejected) / processes) < probes) until = Math.max(until, end + stepMs);
  });
  return { openMs, rejected, spared };
}
