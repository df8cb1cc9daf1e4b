import type { Judged, Suggestion } from '../suggest/suggest.ts';
import { missing, policyYaml } from './policy-yaml.ts';
import { figure, percent, spoken, stretch } from './words.ts';

/**
 * Formats a suggestion as text: the record, the policy, its effects and missing data. Everything but the policy is a
 * comment, so that the whole text can be applied.
 */
export function suggestionText(suggestion: Suggestion): string {
  const { verdict } = suggestion;
  const comments = [
    ...recorded(suggestion),
    '',
    ...VERDICTS[verdict](suggestion),
    '',
    ...figures(suggestion),
    '',
    ...lacking(suggestion),
  ];
  const text = comments.map((line) => (line === '' ? '#' : `# ${line}`)).join('\n');
  return verdict === 'policy' || verdict === 'recipe' ? `${text}\n${policyYaml(suggestion)}` : `${text}\n`;
}

function recorded({
  breaker,
  calm,
  segmentation: { incidents, usualFailureShare },
  assumedProcesses,
}: Suggestion): string[] {
  const by = assumedProcesses ? ' (assumed: the record does not name them; say how many with --processes)' : '';
  return [
    `${breaker}: ${figure(calm.calls)} calm calls of ${calm.processes} ${calm.processes === 1 ? 'process' : 'processes'}${by}, ${figure(calm.rate)} calls/s a process, ${percent(usualFailureShare)} of them failed`,
    incidents.length === 0
      ? 'no incident found'
      : 'taken for incidents (say otherwise with --incident FROM/TO and --calm FROM/TO):',
    ...incidents.map((each) => `  ${stretch(each)}  ${each.given ? 'as given' : each.kinds.join(' and ')}`),
  ];
}

const VERDICTS: Readonly<Record<Suggestion['verdict'], (suggestion: Suggestion) => string[]>> = {
  policy: ({ slow }) => [
    slow === undefined
      ? 'suggested by what was recorded; no limit for slow calls stays closed in calm traffic.'
      : `suggested by what was recorded: ${figure(slow.tried)} rules for slow calls tried, ${figure(slow.kept)} stay closed in calm traffic.`,
  ],
  recipe: () => [
    'too little was recorded: a recipe for this rate of calls. Its numbers are assumed, but for the limit of slow calls.',
  ],
  keep: () => [
    'keep it: the policy in force opens falsely no more often, and what a search found lets hardly less of a fault through.',
  ],
  'per-key': ({ keys }) => [
    `a circuit for each key (perKey) instead of another threshold: ${percent(keys!.failureShare)} of failures come from ${percent(keys!.callShare)} of calls:`,
    ...keys!.worst.map(({ key, failures, calls }) => `  ${key}: ${figure(failures)} of ${figure(calls)} calls failed`),
  ],
  nothing: () => ['no calm call was recorded: nothing can be suggested. Give more of the record, or --calm FROM/TO.'],
};

function figures({ judged, inForce, timeouts, retries }: Suggestion): string[] {
  return [
    ...judgement('suggested', judged),
    ...(inForce === undefined ? [] : judgement('in force', inForce)),
    ...(timeouts.rows.length === 0 ? [] : ['time limits, by calm successes:']),
    ...timeouts.rows.map(
      ({ percentile, ms, upperMs, cutPerDay, sparedSeconds }) =>
        `  p${figure(percentile * 100)}  ${spoken(ms)}${upperMs === undefined ? ' (no upper limit: too few calls)' : `, at most ${spoken(upperMs)}`}; cuts ${figure(cutPerDay)} successes a day; spares ${figure(sparedSeconds)} s of waiting in incidents`,
    ),
    ...retryLines(retries),
  ];
}

function judgement(name: string, { openings, faults, blind }: Judged): string[] {
  return [
    `${name}: ${figure(openings.seen)} false openings in ${figure(openings.processDays)} process-days of calm (counted): at most ${figure(openings.upperPerMonth)} a month and process with 95 % confidence, if traffic stays like this`,
    `  cannot judge a rate ${percent(blind)} of the time (counted)`,
    ...faults.map(
      ({ fault, found, places, delayMs, missed }) =>
        `  ${fault}: found ${found} of ${places} times${delayMs === undefined ? '' : `, after ${spoken(delayMs)}`}; ${percent(missed)} of its calls let through (assumed)`,
    ),
  ];
}

/** A retry is useful only when the next call almost always succeeds. */
const WORTH_A_RETRY = 0.8;
const ENOUGH_FAILURES = 20;

function retryLines({ calm, incidents }: Suggestion['retries']): string[] {
  if (calm.followed < ENOUGH_FAILURES)
    return [
      `retries: only ${figure(calm.followed)} calm failures were followed by a call within a second; nothing can be said`,
    ];
  const share = calm.succeeded / calm.followed;
  const during = incidents.followed === 0 ? '' : `, in incidents ${percent(incidents.succeeded / incidents.followed)}`;
  const advice =
    share > WORTH_A_RETRY
      ? 'a second attempt is worth it where calls may be repeated (maxAttempts: 2, budgetPercent: 10; at most a tenth more load in an outage)'
      : 'not worth it';
  return [
    `retries: the next call within a second of a calm failure succeeded in ${percent(share)}${during} (counted): ${advice}`,
  ];
}

function lacking(suggestion: Suggestion): string[] {
  const found = missing(suggestion);
  return found.length === 0 ? ['nothing is missing.'] : ['missing:', ...found.map((each) => `  ${each}`)];
}
