import { parseDuration } from '@fuseboard/schema/duration';
import type { PolicyFigures, Simulation } from './simulate.ts';

/** The figures that an expectation can use. */
const FIGURES: Readonly<
  Record<
    string,
    {
      readonly unit: 'number' | 'seconds' | 'percent';
      readonly ofIncidents?: true;
      readonly of: (policy: PolicyFigures) => number;
    }
  >
> = {
  falseOpenings: { unit: 'number', of: ({ falseOpenings }) => falseOpenings.seen },
  falseOpeningsPerDay: {
    unit: 'number',
    of: ({ falseOpenings: { seen, processDays } }) => (seen === 0 ? 0 : seen / processDays),
  },
  falseOpeningsPerMonthLimit: { unit: 'number', of: ({ falseOpenings }) => falseOpenings.upperPerMonth },
  detection: {
    ofIncidents: true,
    unit: 'seconds',
    of: ({ incidents }) =>
      Math.max(0, ...incidents.map(({ openedAfterMs }) => (openedAfterMs ?? Number.POSITIVE_INFINITY) / 1_000)),
  },
  detected: {
    ofIncidents: true,
    unit: 'percent',
    of: ({ incidents }) =>
      percent(incidents.filter(({ openedAfterMs }) => openedAfterMs !== undefined).length, incidents.length),
  },
  spared: {
    ofIncidents: true,
    unit: 'percent',
    of: ({ incidents }) => percent(total(incidents, 'badSpared'), total(incidents, 'bad')),
  },
  goodRejected: {
    ofIncidents: true,
    unit: 'percent',
    of: ({ incidents }) => percent(total(incidents, 'goodRejected'), total(incidents, 'good')),
  },
  calmRejected: { unit: 'percent', of: ({ calmRejected }) => calmRejected * 100 },
  blind: { unit: 'percent', of: ({ blind }) => blind * 100 },
};

/** An assertion on the figures of a simulation. */
export interface Expectation {
  readonly text: string;
  readonly figure: string;
  readonly atMost: boolean;
  readonly value: number;
}

/** The result of checking an expectation. */
export interface Verdict {
  readonly text: string;
  readonly met: boolean;
  /** The actual figure, with its unit. */
  readonly was: string;
}

/**
 * Parses an assertion such as `falseOpeningsPerDay<=0.03`, `detection<=10s` or `spared>=80%`.
 *
 * @throws RangeError with the error and the valid choices.
 */
export function parseExpectation(text: string): Expectation {
  const [, figure = '', sign, right = ''] = /^\s*(\w+)\s*(<=|>=)\s*(\S+)\s*$/.exec(text) ?? [];
  const known = FIGURES[figure];
  if (sign === undefined || known === undefined) {
    throw new RangeError(
      `"${text}" is no expectation; write FIGURE<=VALUE or FIGURE>=VALUE with a FIGURE of ${Object.keys(FIGURES).join(', ')}`,
    );
  }
  const value = amountOf(right, known.unit);
  if (value === undefined) {
    const example = { number: '0.03', seconds: '10s', percent: '80%' }[known.unit];
    throw new RangeError(`"${text}" compares ${figure} with "${right}"; give a value such as ${example}`);
  }
  return { text: text.trim(), figure, atMost: sign === '<=', value };
}

function amountOf(text: string, unit: 'number' | 'seconds' | 'percent'): number | undefined {
  if (unit === 'seconds') {
    const ms = parseDuration(text);
    return ms === undefined ? undefined : ms / 1_000;
  }
  const digits = unit === 'percent' ? text.replace(/%$/, '') : text;
  return /^\d+(\.\d+)?$/.test(digits) ? Number(digits) : undefined;
}

/**
 * Compares an expectation with the first policy of a simulation. An expectation about incidents fails when no incident
 * was recorded.
 */
export function check({ text, figure, atMost, value }: Expectation, { policies: [policy] }: Simulation): Verdict {
  const { of, unit, ofIncidents } = FIGURES[figure]!;
  if (ofIncidents && policy!.incidents.length === 0) return { text, met: false, was: 'no incident in the record' };
  const was = of(policy!);
  const met = atMost ? was <= value : was >= value;
  const sign = { number: '', seconds: ' s', percent: ' %' }[unit];
  return { text, met, was: Number.isFinite(was) ? `${Math.round(was * 100) / 100}${sign}` : 'never' };
}

type Count = 'bad' | 'badSpared' | 'good' | 'goodRejected';
const total = (incidents: PolicyFigures['incidents'], count: Count) =>
  incidents.reduce((sum, each) => sum + each[count], 0);
const percent = (part: number, whole: number) => (whole === 0 ? 0 : (part / whole) * 100);
