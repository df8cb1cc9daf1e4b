import { deal } from '../calls/deal.ts';
import type { BreakerRecording } from '../calls/recording.ts';
import { between, type Trace } from '../calls/trace.ts';
import { blindOf } from '../calm/blindness.ts';
import { calmTraces } from '../calm/calm-traces.ts';
import { activeTime, type CalmFigures, calmFigures, calmQuantile } from '../calm/figures.ts';
import { type Segmentation, type SegmentOptions, segment } from '../calm/incidents.ts';
import { replay, type Spec } from '../replay/replay.ts';
import { daysToShow, type OpeningsLimit, openingsLimit } from '../statistics/openings-limit.ts';
import { type Detection, detection, meanMissed } from './detection.ts';
import { failureShare, type ShareChoice } from './failure-share.ts';
import { type KeySplit, splitByKey } from './keys.ts';
import { type OpenTime, openTime } from './open-time.ts';
import { recipeFor } from './recipe.ts';
import { type NextCalls, nextCalls } from './retries.ts';
import { type Rule, specOf } from './rule.ts';
import { type RunChoice, runLength } from './run-length.ts';
import { type SlowChoice, searchSlow } from './slow-search.ts';
import { type Timeouts, timeouts } from './timeouts.ts';
import { TUNING, type Tuning } from './tuning.ts';

/** A smaller improvement is not worth an edit. */
const WORTH_A_CHANGE = 0.1;

export interface SuggestOptions extends SegmentOptions {
  /** Number of processes over which calls are distributed when the record does not name the caller. Absent: 1. */
  readonly processes?: number;
  /** The policy in force. A suggestion that is hardly better is not made. */
  readonly inForce?: Spec;
  /** Acceptable number of false openings of one process in 30 days. Absent: one. */
  readonly falseOpeningsPerMonth?: number;
}

/** The results of a policy in calm traffic and with injected faults. */
export interface Judged {
  readonly spec: Spec;
  readonly openings: OpeningsLimit;
  readonly faults: readonly Detection[];
  /** The share of time in which the window has too few calls for a rate, 0 to 1. */
  readonly blind: number;
}

export interface Suggestion {
  readonly breaker: string;
  /**
   * `policy`: found by a search in the record. `recipe`: a default for the rate of calls, because too little was
   * recorded. `keep`: the policy in force is hardly worse. `per-key`: a few keys cause the failures. `nothing`: there
   * are no calm calls.
   */
  readonly verdict: 'policy' | 'recipe' | 'keep' | 'per-key' | 'nothing';
  readonly calm: CalmFigures;
  readonly segmentation: Segmentation;
  readonly rule: Rule;
  readonly judged: Judged;
  readonly inForce?: Judged;
  readonly run: RunChoice;
  readonly share: ShareChoice;
  /** Absent: there was no search, or it found nothing. */
  readonly slow?: SlowChoice;
  readonly openTime: OpenTime;
  readonly timeouts: Timeouts;
  readonly retries: { readonly calm: NextCalls; readonly incidents: NextCalls };
  readonly keys?: KeySplit;
  /** Whether calls were distributed over assumed processes, because the record does not name them. */
  readonly assumedProcesses: boolean;
  /** Process-days without a false opening that would confirm the wish with 95 % confidence. */
  readonly neededProcessDays: number;
  readonly wishPerMonth: number;
}

/** Suggests a policy for one breaker from its recorded calls. Deterministic: the same record gives the same policy. */
export function suggest(recording: BreakerRecording, options: SuggestOptions = {}): Suggestion {
  const { processes = 1, inForce, falseOpeningsPerMonth: wish = 1 } = options;
  const assumedProcesses = !recording.knowsProcesses;
  const traces =
    assumedProcesses && processes > 1 ? recording.traces.flatMap((trace) => deal(trace, processes)) : recording.traces;
  const segmentation = segment(traces, options);
  const learnt = ruleFrom(traces, segmentation);
  const { calm, figures, rule } = learnt;
  const inIncidents = segmentation.incidents.flatMap(({ from, to }) => traces.map((trace) => between(trace, from, to)));
  const judged = judge(specOf(rule), calm);
  const current = inForce === undefined ? undefined : judge(inForce, calm);
  const keys = splitByKey(traces, recording.keys);
  return {
    breaker: recording.breaker,
    verdict: verdictOf(figures, judged, current, keys),
    calm: figures,
    segmentation,
    rule,
    judged,
    ...(current === undefined ? {} : { inForce: current }),
    run: learnt.run,
    share: learnt.share,
    ...(learnt.slow === undefined ? {} : { slow: learnt.slow }),
    openTime: learnt.open,
    timeouts: timeouts(figures, inIncidents),
    retries: { calm: nextCalls(calm), incidents: nextCalls(inIncidents) },
    ...(keys === undefined ? {} : { keys }),
    assumedProcesses,
    neededProcessDays: daysToShow(wish),
    wishPerMonth: wish,
  };
}

/** The values derived from calls. */
export interface Learnt {
  readonly rule: Rule;
  readonly figures: CalmFigures;
  readonly calm: readonly Trace[];
  readonly run: RunChoice;
  readonly share: ShareChoice;
  readonly slow: SlowChoice | undefined;
  readonly open: OpenTime;
}

/** The values alone, without their explanations. @param search finds the rule for slow calls. */
export function ruleFrom(
  traces: readonly Trace[],
  segmentation: Segmentation = segment(traces),
  tuning: Tuning = TUNING,
  search: typeof searchSlow = searchSlow,
): Learnt {
  const calm = calmTraces(traces, segmentation.incidents);
  const figures = calmFigures(calm);
  const run = runLength(traces, segmentation.incidents, figures.rate, tuning);
  const open = openTime(figures.rate, segmentation.incidents, tuning);
  const base: Rule = { ...recipeFor(figures, tuning), consecutiveFailures: run.run, openMs: open.ms };
  const slow = figures.calls < tuning.enoughCalls ? undefined : search(base, figures, calm, tuning);
  const chosen = slow?.rule ?? base;
  const share = failureShare(calm, chosen.form, chosen.minimumCalls, figures.failures, tuning);
  return { rule: { ...chosen, failurePercent: share.percent }, figures, calm, run, share, slow, open };
}

/** Replays a policy over calm calls, and over the same calls with injected faults. */
function judge(spec: Spec, calm: readonly Trace[]): Judged {
  const openings = calm.map((trace) =>
    replay(spec, trace)
      .transitions.filter(({ from, to }) => from === 'closed' && to === 'open')
      .map(({ at }) => at),
  );
  return {
    spec,
    openings: openingsLimit(openings, activeTime(calm)),
    faults: detection(spec, calm),
    blind: blindOf(spec, calm),
  };
}

function verdictOf(
  figures: CalmFigures,
  judged: Judged,
  inForce: Judged | undefined,
  keys: KeySplit | undefined,
): Suggestion['verdict'] {
  if (figures.calls === 0) return 'nothing';
  if (keys !== undefined) return 'per-key';
  if (inForce !== undefined) {
    const isAsCalm = inForce.openings.seen <= judged.openings.seen;
    const gain = meanMissed(inForce.faults) - meanMissed(judged.faults);
    if (isAsCalm && gain < WORTH_A_CHANGE) return 'keep';
  }
  return figures.calls < TUNING.enoughCalls || calmQuantile(figures, 0.5) === undefined ? 'recipe' : 'policy';
}
