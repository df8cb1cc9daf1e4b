import { replay, type Spec } from '../src/replay/replay.ts';
import { countCrossings, runCompletions } from '../src/statistics/false-opening-formulas.ts';
import { made } from './generator.ts';

/** A condition whose false openings have an exact formula, at a share of calls that fail independently. */
export interface FormulaCase {
  readonly name: string;
  readonly trip: NonNullable<Spec['trip']>;
  readonly failing: number;
  /** A call, by the formula. */
  readonly perCall: number;
  /** How much fewer a replay may see, as an opening hides what follows: a share of the formula. */
  readonly hidden: number;
}

const runs = (failing: number): FormulaCase => ({
  name: `5 in a row at ${failing * 100} %`,
  trip: { consecutiveFailures: 5 },
  failing,
  perCall: runCompletions(5, failing),
  hidden: 0.05,
});
const counts = (failing: number): FormulaCase => ({
  name: `6 of the last 20 at ${failing * 100} %`,
  trip: { window: { type: 'Count', size: 20 }, minimumCalls: 20, failureRate: { thresholdPercent: 30 } },
  failing,
  perCall: countCrossings(20, 6, failing),
  hidden: 0.3,
});

export const FORMULA_CASES: readonly FormulaCase[] = [...[0.1, 0.15, 0.2].map(runs), ...[0.05, 0.08].map(counts)];

/** What a replay of `calls` calls saw beside the formula, and the bounds that it has to keep. */
export interface Compared {
  readonly expected: number;
  readonly seen: number;
  readonly least: number;
  readonly most: number;
}

/** Replays independent failures through the condition; the circuit closes again with the next good call. */
export function compared({ trip, failing, perCall, hidden }: FormulaCase, calls: number, seed = 7): Compared {
  const trace = made({ seconds: calls, rate: 1, failing }, seed);
  const atOnce = { ...trace, duration: trace.duration.fill(0) };
  const { transitions } = replay({ trip, recovery: { openDuration: '1ms' } }, atOnce);
  const expected = calls * perCall;
  /** Four standard deviations of a Poisson count. */
  const noise = 4 * Math.sqrt(expected);
  return {
    expected,
    seen: transitions.filter(({ from, to }) => from === 'closed' && to === 'open').length,
    least: (1 - hidden) * expected - noise,
    most: expected + noise,
  };
}
