import { formatDuration } from '@fuseboard/schema/duration';
import { runFloor } from '../suggest/recipe.ts';
import type { Form } from '../suggest/rule.ts';
import type { Suggestion } from '../suggest/suggest.ts';
import { TUNING } from '../suggest/tuning.ts';
import { figure, percent, spoken } from './words.ts';

/** A line of YAML and the reason for its value. */
type Line = readonly [text: string, why?: string];

/**
 * Formats the suggested policy, with a comment and a figure for every number.
 *
 * @param name the name of the policy. Absent: the breaker's name, converted to a valid Kubernetes name.
 */
export function policyYaml(suggestion: Suggestion, name = resourceName(suggestion.breaker)): string {
  const lines: Line[] = [
    ['apiVersion: fuseboard.dev/v1alpha1'],
    ['kind: CircuitBreakerPolicy'],
    ['metadata:'],
    [`  name: ${name}`],
    ['spec:'],
    [`  breakers: [${JSON.stringify(suggestion.breaker)}]`],
    ['  mode: Shadow', 'count what it would reject first; Enforce when that is right'],
    ...trip(suggestion),
    ...recovery(suggestion),
    ...timeout(suggestion),
  ];
  const width = Math.max(...lines.flatMap(([text, why]) => (why === undefined ? [] : [text.length]))) + 1;
  return `${lines.map(([text, why]) => (why === undefined ? text : `${text.padEnd(width)}# ${why}`)).join('\n')}\n`;
}

function trip({ rule, calm, run, share, slow, judged }: Suggestion): Line[] {
  const searched = slow !== undefined;
  const rate = `${figure(calm.rate)} calls/s a process`;
  const limit =
    calm.durations.length === 0
      ? 0
      : calm.durations.filter((ms) => ms > (rule.slow?.slowerThanMs ?? 0)).length / calm.durations.length;
  return [
    ['  trip:'],
    [
      `    window: ${windowYaml(rule.form)}`,
      `${rate} (counted); it cannot judge a rate ${percent(judged.blind)} of the time`,
    ],
    [
      `    minimumCalls: ${rule.minimumCalls}`,
      searched ? 'counted: with fewer, calm calls look slow by chance' : 'assumed: a floor where little was recorded',
    ],
    [
      `    failureRate: { thresholdPercent: ${rule.failurePercent} }`,
      `the most in calm was ${percent(share.greatestCalm)} (counted)${share.isLowered || share.percent !== 50 ? '' : '; 50 is the floor (assumed)'}`,
    ],
    ...(rule.slow === undefined
      ? []
      : ([
          [
            `    slowCallRate: { thresholdPercent: ${rule.slow.percent}, slowerThan: ${formatDuration(rule.slow.slowerThanMs)} }`,
            `${percent(limit)} of calm calls are slower (counted)${searched ? `; lets ${percent(slow.missed)} of injected slow-downs through (assumed)` : '; the recipe: 3 x the usual duration, at least p95 (assumed)'}`,
          ],
        ] satisfies Line[])),
    [
      `    consecutiveFailures: ${rule.consecutiveFailures}`,
      `longest run in calm ${run.longestCalm}${run.usualCalm < run.longestCalm && run.usualCalm > 0 ? ` (once; another of ${run.usualCalm})` : ''}, in incidents ${run.longestIncident} (counted)${run.isLowered ? '' : run.run === runFloor(calm.rate) ? `; ${run.run} is the floor at this rate (assumed)` : ''}`,
    ],
  ];
}

/** A probe may take this many times as long as the longest calm call, within these limits. */
const PROBE_FACTOR = 10;
const PROBE_MS = { least: 1_000, most: 30_000 };

function recovery({ rule, openTime, calm, timeouts: limits }: Suggestion): Line[] {
  const probeMs = Math.max(PROBE_MS.least, Math.ceil((PROBE_FACTOR * (calm.durations.at(-1) ?? 0)) / 1_000) * 1_000);
  const why =
    openTime.incidents === 0
      ? `assumed: the recipe for ${figure(calm.rate)} calls/s; fewer than 3 outages were recorded`
      : `${openTime.incidents} outages took ${spoken(openTime.recoveryMs!)} by the median (counted)`;
  return [
    ['  recovery:'],
    [`    openDuration: ${formatDuration(rule.openMs)}`, why],
    ...(calm.processes > 3
      ? ([['    jitterPercent: 20', `${calm.processes} processes are not to probe in step`]] satisfies Line[])
      : []),
    ...(limitsCalls(limits)
      ? []
      : ([
          [
            `    halfOpen: { probeTimeout: ${formatDuration(Math.min(probeMs, PROBE_MS.most))} }`,
            `assumed: ${PROBE_FACTOR} x the longest calm call, ${PROBE_MS.least / 1_000} s to ${PROBE_MS.most / 1_000} s; no time limit can be suggested, and a probe that hangs holds up the recovery`,
          ],
        ] satisfies Line[])),
  ];
}

/** Whether the policy gets a time limit for calls. */
const limitsCalls = ({ proposedMs, cutOffMs }: Suggestion['timeouts']) =>
  proposedMs !== undefined && cutOffMs === undefined;

function timeout({ timeouts }: Suggestion): Line[] {
  const { proposedMs, rows } = timeouts;
  if (proposedMs === undefined || !limitsCalls(timeouts)) return [];
  const row = rows.find(({ percentile }) => percentile === 0.999)!;
  return [
    ['  timeout:'],
    [
      `    duration: ${formatDuration(proposedMs)}`,
      `p99.9 is ${spoken(row.ms)}, at most ${spoken(row.upperMs!)} (counted), and a fifth more`,
    ],
  ];
}

function windowYaml(form: Form): string {
  return form.type === 'Time'
    ? `{ type: Time, duration: ${formatDuration(form.ms)} }`
    : `{ type: Count, size: ${form.size} }`;
}

function resourceName(breaker: string): string {
  const name = breaker
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '');
  return name === '' ? 'policy' : name.slice(0, 63).replace(/-+$/, '');
}

/** The data that a better suggestion needs; empty when none is missing. */
export function missing({
  calm,
  judged,
  neededProcessDays,
  wishPerMonth,
  run,
  timeouts: { rows, cutOffMs },
}: Suggestion): string[] {
  const found: string[] = [];
  if (calm.calls < TUNING.enoughCalls) {
    const more = TUNING.enoughCalls - calm.calls;
    const time =
      calm.rate > 0
        ? `, about ${spoken((more / (calm.rate * Math.max(1, calm.processes))) * 1_000)} of this traffic`
        : '';
    found.push(`${figure(more)} more calm calls${time}: below ${figure(TUNING.enoughCalls)} nothing is searched`);
  }
  if (run.failures === 0)
    found.push('a recorded failure: what was not seen failing is given floors, which only failures lower');
  const { processDays, upperPerMonth } = judged.openings;
  if (upperPerMonth > wishPerMonth) {
    const more = Math.max(0, neededProcessDays - processDays);
    found.push(
      `${figure(more)} more process-days without a false opening, to show at most ${figure(wishPerMonth)} a month with 95 % confidence`,
    );
  }
  if (cutOffMs !== undefined)
    found.push(`what lies beyond ${spoken(cutOffMs)}: durations are cut off there, so no time limit is suggested`);
  else if (rows.length > 0 && rows.find(({ percentile }) => percentile === 0.999)?.upperMs === undefined) {
    found.push('2,995 calm successes for a time limit: p99.9 has no upper limit with fewer');
  }
  return found;
}
