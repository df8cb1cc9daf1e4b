import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { seededRandom } from '../src/calls/random.ts';
import type { Trace } from '../src/calls/trace.ts';
import { calmTraces } from '../src/calm/calm-traces.ts';
import { type CalmFigures, calmFigures, calmQuantile } from '../src/calm/figures.ts';
import { segment } from '../src/calm/incidents.ts';
import { LIBRARY_DEFAULTS } from '../src/replay/library-defaults.ts';
import type { Spec } from '../src/replay/replay.ts';
import { AdaptiveThrottle } from '../src/replay/throttle.ts';
import { ENOUGH_DURATIONS, recipeFor, SHORTEST_SLOW_MS } from '../src/suggest/recipe.ts';
import { type Form, type Rule, specOf, twoDigits } from '../src/suggest/rule.ts';
import { ruleFrom } from '../src/suggest/suggest.ts';
import { StretchGate } from './stretch-gate.ts';
import type { Contestant } from './walk-forward.ts';

/** The fixed policy that a suggestion has to beat: everything by rule of thumb, only the slow limit is measured. */
export const FIXED = 'fixed: 10 in 10 s, 5 in a row';

const figuresOf = (before: Trace): CalmFigures => calmFigures(calmTraces([before], segment([before]).incidents));

function fixedRule(before: Trace, form: Form, percentile: number): Rule {
  const figures = figuresOf(before);
  const limit = figures.durations.length < ENOUGH_DURATIONS ? undefined : calmQuantile(figures, percentile)! * 1.5;
  return {
    form,
    minimumCalls: 10,
    failurePercent: 50,
    consecutiveFailures: 5,
    ...(limit === undefined
      ? {}
      : { slow: { percent: 50, slowerThanMs: Math.max(SHORTEST_SLOW_MS, twoDigits(limit)) } }),
    openMs: 30_000,
  };
}

const fixed = (name: string, form: Form, percentile: number): Contestant => ({
  name,
  learns: true,
  policy: (before) => specOf(fixedRule(before, form, percentile)),
});

const TEN_SECONDS: Form = { type: 'Time', ms: 10_000 };

/** Everything that is compared. */
export function contestants(): Contestant[] {
  return [
    { name: 'suggest', learns: true, policy: (before) => specOf(ruleFrom([before]).rule) },
    { name: 'recipe', learns: true, policy: (before) => specOf(recipeFor(figuresOf(before))) },
    fixed(FIXED, TEN_SECONDS, 0.995),
    fixed('the same, slow by p95', TEN_SECONDS, 0.95),
    fixed('the same in 60 s', { type: 'Time', ms: 60_000 }, 0.995),
    {
      name: 'stretching: suggest in 10 s to 10 min',
      learns: true,
      policy: () => ({}),
      gate: (before) => stretching(before),
    },
    ...Object.entries(LIBRARY_DEFAULTS).map(([name, { spec }]): Contestant => ({ name, policy: () => spec })),
    {
      name: 'opossum, volume 10',
      policy: () => {
        const { trip, ...rest } = LIBRARY_DEFAULTS.opossum!.spec;
        return { ...rest, trip: { ...trip, minimumCalls: 10 } };
      },
    },
    ...examples(),
    ...[1.1, 2].map(
      (k): Contestant => ({
        name: `SRE throttling, K ${k}`,
        policy: () => ({}),
        gate: () => new AdaptiveThrottle(k, seededRandom(1)),
      }),
    ),
    { name: 'never', policy: () => ({}) },
    { name: 'oracle', policy: () => ({}), knows: true },
  ];
}

/** The rule that is suggested, with the window replaced by one that stretches. */
function stretching(before: Trace): StretchGate {
  const { rule } = ruleFrom([before]);
  return new StretchGate({ ...rule, minimumCalls: 10 }, { ms: 10_000, toMs: 600_000 });
}

function examples(): Contestant[] {
  const folder = new URL('../../examples/policies/', import.meta.url);
  return readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .sort()
    .map((file) => {
      const { spec } = parse(readFileSync(new URL(file, folder), 'utf8')) as { spec: Spec };
      return { name: `example ${file.replace('.yaml', '')}`, policy: () => spec };
    });
}
