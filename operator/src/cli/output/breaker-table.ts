import { TRIP_CONDITIONS } from '@fuseboard/schema';
import { isLasting } from '../../core/outages/outage-row.ts';
import { compareText } from '../../core/policy/compare-text.ts';
import { mergeBreakers, severityOf } from '../../core/views/merged.ts';
import type { BreakerList, ListedBreaker } from '../../http/admin/answers/live.ts';
import { askReplicas, type Unanswered } from '../client/replicas.ts';
import type { Target } from '../client/target.ts';
import { holdsOf, isFor } from './holds.ts';
import { age, type Colour, type Column } from './output.ts';

/** A breaker, with the override that may hold it. */
export interface BreakerLine extends ListedBreaker {
  /** Action and name of the override; absent when none is in force, or when overrides cannot be read. */
  readonly override?: string;
}

/** Breakers over the agents of all replicas. */
export interface Breakers {
  /** When the replica answered, in milliseconds since 1970 by its clock. */
  readonly at: number;
  readonly items: readonly BreakerLine[];
  readonly unanswered: readonly Unanswered[];
}

/**
 * Lists every breaker of a namespace, or of all namespaces, with the worst state first.
 *
 * @throws {CliError} when no replica answers.
 */
export async function listBreakers(target: Target, namespace: string | undefined): Promise<Breakers> {
  const { answers, unanswered } = await askReplicas(target, (admin) =>
    admin.get<BreakerList>('/v1/breakers', { namespace }),
  );
  const order = (a: ListedBreaker, b: ListedBreaker) =>
    severityOf(b) - severityOf(a) ||
    compareText(a.namespace, b.namespace) ||
    compareText(a.breaker, b.breaker) ||
    compareText(a.policy ?? '', b.policy ?? '');
  return { at: Math.max(...answers.map(({ at }) => at)), items: mergeBreakers(answers).sort(order), unanswered };
}

/** Lists breakers as `listBreakers` does, each with the override in force that names it. */
export async function listHeldBreakers(target: Target, namespace: string | undefined): Promise<Breakers> {
  const found = await listBreakers(target, namespace);
  const holds = await holdsOf(target, namespace, found.at);
  const items = found.items.map((row) => {
    const held = holds?.find((one) => isFor(one, row));
    return held === undefined ? row : { ...row, override: `${held.spec.action} ${held.name}` };
  });
  return { ...found, items };
}

export const colourOfState = ({ state, shadow }: Pick<ListedBreaker, 'state' | 'shadow'>): Colour | undefined =>
  state === 'none' ? 'dim' : state === 'closed' ? undefined : shadow || state === 'half-open' ? 'yellow' : 'red';

const percent = (part: number, whole: number) => (whole === 0 ? '-' : `${Math.round((100 * part) / whole)}%`);

/** The counts of the window next to their thresholds: `3/20 failed, 15% of 50%`. */
export function thresholdColumn({ window, thresholds }: ListedBreaker): string {
  const against = TRIP_CONDITIONS.flatMap(({ field, measures, isRate }) => {
    const threshold = thresholds?.[field];
    // Reports do not contain the number of consecutive failures.
    if (threshold === undefined || measures === 'consecutiveFailures') return [];
    const measured = measures === 'slow' ? window.slow : window.failed;
    const share = isRate ? `${percent(measured, window.calls)} of ${threshold}%` : `${measured} of ${threshold}`;
    return [measures === 'slow' ? `slow ${share}` : share];
  });
  return [`${window.failed}/${window.calls} failed`, ...against].join(', ');
}

/** How long the outage of a breaker lasts, in ms, and else its state. @param at the time of the row */
export const lastsFor = ({ since, outage }: Pick<ListedBreaker, 'since' | 'outage'>, at: number) =>
  at - (outage !== undefined && isLasting(outage) ? outage.began : since);

/**
 * The columns of the breaker table. FOR is the time of the outage while one lasts, and else of the state.
 *
 * @param at the time of the rows
 */
export function breakerColumns(scope: string | undefined, at: number): Column<BreakerLine>[] {
  return [
    ...(scope === undefined ? [{ title: 'namespace', value: (row: BreakerLine) => row.namespace }] : []),
    { title: 'breaker', value: ({ breaker }) => breaker },
    { title: 'policy', value: ({ policy }) => policy ?? '(code)' },
    {
      title: 'state',
      value: ({ state, shadow, override }) =>
        [state, ...(shadow && state !== 'closed' ? ['(shadow)'] : []), ...(override ? ['(override)'] : [])].join(' '),
      colour: colourOfState,
    },
    { title: 'for', value: (row) => age(lastsFor(row, at)) },
    { title: 'agents', value: ({ agents }) => String(agents) },
    { title: 'not closed', value: ({ states }) => String(states.open + states.halfOpen + states.shadowOpen) },
    { title: 'window', value: thresholdColumn },
    { title: 'rejected', value: ({ window }) => String(window.rejected) },
    { title: 'heard', value: ({ heard }) => `${age(at - heard)} ago` },
    { title: 'override', value: ({ override }) => override ?? '', wide: true },
    { title: 'state for', value: ({ since }) => age(at - since), wide: true },
    { title: 'on', value: ({ unwell }) => unwell.join(','), wide: true },
  ];
}
