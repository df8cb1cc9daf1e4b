import type { PolicySpec } from '@fuseboard/schema/types';
import { count, duration, plural, words } from '../format.ts';
import { clockTime } from '../outage-list.tsx';
import type { Limits } from './limits.ts';
import type { Numbers } from './numbers.ts';
import type { Replayed } from './replay.ts';
import type { Steps } from './steps.ts';

/** What happened to a breaker, beside what the numbers in force and the edited ones would have done. */
export interface Compared {
  readonly spec: PolicySpec;
  readonly numbers: Numbers;
  readonly wanted: Numbers;
  /** With slow calls as they were counted. */
  readonly happened: Steps;
  /** With slow calls by the edited limit. */
  readonly steps: Steps;
  readonly latencyStepMs: number;
  readonly asItIs: Replayed;
  readonly withEdits: Replayed;
  /** Absent where sums limit nothing. */
  readonly limits?: Limits | undefined;
}

/** The result in a sentence. */
export function sentenceOf({ withEdits, steps, limits }: Compared, changed: boolean): string {
  const { openings, openMs, rejected, spared } = withEdits;
  const whose = changed ? 'With the edited numbers' : 'With the numbers in force, replayed,';
  if (openings.length === 0) {
    const may = limits?.verdicts.filter((one) => one !== 'no').length;
    const but =
      may === undefined
        ? ''
        : may === 0
          ? ' No order of the calls would have opened it.'
          : ` Another order of the calls may have opened it in ${plural(may, 'step')} of ${duration(steps.stepMs)}.`;
    return `${whose} it stays closed.${but}`;
  }
  const { from, reason, reopened } = openings[0]!;
  const again = reopened === 0 ? '' : `, and again after ${plural(reopened, 'failed probe')}`;
  return [
    `${whose} it opens ${openings.length === 1 ? 'once' : `${count(openings.length)} times`}:`,
    `first at ${clockTime(from)} (${words(reason)}${again}), for ${duration(openMs)} in all.`,
    `It refuses about ${count(rejected)} calls and spares about ${count(spared)} failures.`,
  ].join(' ');
}

/** What sums of steps cannot say, and what was assumed instead. */
export function unknowns({ spec, numbers, wanted, happened, limits, latencyStepMs }: Compared, processes: number) {
  const { stepMs, steps } = happened;
  const refused = steps.reduce((sum, { rejected }) => sum + rejected, 0);
  const runs = wanted.conditions.some(({ condition }) => condition.measures === 'consecutiveFailures');
  return [
    `Each number sums ${duration(stepMs)} of ${count(processes)} ${processes === 1 ? 'process' : 'processes'}, and is up to 10 s late. The order of calls within a step is not known: a replay spreads them evenly, over time and over the processes. Bursts open a circuit earlier.`,
    ...(limits ? ['The limits hold for any order of the calls, as long as each process makes its share of them.'] : []),
    ...(runs
      ? [
          'Failures in a row are not recorded. A replay opens where a run of them is more likely than not, with failures in random order.',
        ]
      : []),
    ...(wanted.window.type === 'Ewma' ? ['Sums set no limits to a window that fades, so none are shown.'] : []),
    ...(spec.perKey
      ? ['The policy has a circuit for each key. The sums are over all keys, so they set no limits.']
      : []),
    ...(wanted.slowerThanMs === numbers.slowerThanMs
      ? []
      : [
          `Calls that are slow by another limit are read from the latencies of ${duration(latencyStepMs)}, whose steps double. The part of a step above the limit is estimated.`,
        ]),
    ...(refused > 0
      ? [
          `How the ${count(refused)} calls that were refused would have ended is not known. They are taken to fail as often as the calls that passed at that time.`,
        ]
      : []),
    'Overrides are in what happened, and not in a replay. With fewer calls, the dependency may have recovered sooner.',
    'Jitter, Retry-After and slow calls under way are left out of a replay. The limits include them.',
    ...(spec.mode === undefined || spec.mode === 'Enforce'
      ? []
      : [`The policy is in mode ${spec.mode} and refuses nothing. A replay shows what it would refuse.`]),
  ];
}
