import { median, upperRate } from '../src/statistics/limits.ts';
import type { EdgeScore } from './score.ts';

/** What a contestant did on all edges together. */
export interface Summary {
  readonly name: string;
  readonly incidents: number;
  readonly found: number;
  /** Of the incidents that had enough calls before them to learn from. */
  readonly learnable: number;
  readonly learnableFound: number;
  readonly falseOpenings: number;
  readonly falsePerDay: number;
  /** The upper 95 % limit of that. */
  readonly falsePerDayUpper: number;
  /** The median time until it opened, of the incidents found. */
  readonly delayMs: number | undefined;
  /** Shares of calls, 0 to 1. */
  readonly badSpared: number;
  readonly goodRejectedInIncidents: number;
  readonly calmRejected: number;
}

export function summarize(name: string, edges: readonly EdgeScore[]): Summary {
  const incidents = edges.flatMap((each) => each.incidents);
  const learnable = incidents.filter(({ learned }) => learned);
  const found = incidents.filter(({ delayMs }) => delayMs !== undefined);
  const sum = <T>(of: readonly T[], value: (each: T) => number) => of.reduce((total, each) => total + value(each), 0);
  const falseOpenings = sum(edges, (each) => each.falseOpenings.length);
  const days = sum(edges, (each) => each.days);
  return {
    name,
    incidents: incidents.length,
    found: found.length,
    learnable: learnable.length,
    learnableFound: learnable.filter(({ delayMs }) => delayMs !== undefined).length,
    falseOpenings,
    falsePerDay: falseOpenings / days,
    falsePerDayUpper: upperRate(falseOpenings, days),
    delayMs: median(found.map(({ delayMs }) => delayMs!)),
    badSpared: ratio(
      sum(incidents, (each) => each.badSpared),
      sum(incidents, (each) => each.bad),
    ),
    goodRejectedInIncidents: ratio(
      sum(incidents, (each) => each.goodRejected),
      sum(incidents, (each) => each.good),
    ),
    calmRejected: ratio(
      sum(edges, (each) => each.calmRejected),
      sum(edges, (each) => each.calmCalls),
    ),
  };
}

const ratio = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);

const HEAD = [
  'policy',
  'incidents found',
  'of those with enough before',
  'false openings',
  'a day and process (95 % limit)',
  'opened after',
  'bad calls spared',
  'good calls rejected in incidents',
  'calls rejected in calm',
];

/** The summaries as a table in Markdown. */
export function table(summaries: readonly Summary[]): string {
  const percent = (share: number, digits = 0) => `${(share * 100).toFixed(digits)} %`;
  const rows = summaries.map((each) => [
    each.name,
    `${each.found} of ${each.incidents}`,
    `${each.learnableFound} of ${each.learnable} (${percent(ratio(each.learnableFound, each.learnable))})`,
    `${each.falseOpenings}`,
    `${each.falsePerDay.toFixed(2)} (${each.falsePerDayUpper.toFixed(1)})`,
    each.delayMs === undefined ? '–' : `${(each.delayMs / 1_000).toFixed(1)} s`,
    percent(each.badSpared),
    percent(each.goodRejectedInIncidents),
    percent(each.calmRejected, 2),
  ]);
  return [HEAD, HEAD.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
