import { TUNING } from '../src/suggest/tuning.ts';
import type { EdgeResult, Variation } from './variations.ts';

/** Found incidents and false openings over several edges. */
interface Total {
  readonly incidents: number;
  readonly found: number;
  readonly falseOpenings: number;
}

function total(results: readonly EdgeResult[]): Total {
  const sum = (value: (each: EdgeResult) => number) => results.reduce((before, each) => before + value(each), 0);
  return {
    incidents: sum(({ incidents }) => incidents),
    found: sum(({ found }) => found),
    falseOpenings: sum(({ falseOpenings }) => falseOpenings),
  };
}

const cell = ({ found, falseOpenings }: Total) => `${found} / ${falseOpenings}`;
const tableOf = (rows: readonly (readonly string[])[]) =>
  [rows[0]!, rows[0]!.map(() => '---'), ...rows.slice(1)].map((cells) => `| ${cells.join(' | ')} |`).join('\n');

/** For each constant, incidents found and false openings when it is lower and higher. */
export function sensitivityTable(all: readonly Variation[], results: readonly (readonly EdgeResult[])[]): string {
  const usual = total(results[0]!);
  const factors = [...new Set(all.map(({ factor }) => factor))].sort((a, b) => a - b);
  const constants = [...new Set(all.flatMap(({ constant }) => constant ?? []))];
  const rows = constants.map((constant) => {
    const cells = factors.map((factor) => {
      if (factor === 1) return cell(usual);
      const at = all.findIndex((each) => each.constant === constant && each.factor === factor);
      return at < 0 ? 'same' : cell(total(results[at]!));
    });
    return [constant, `${TUNING[constant]}`, ...cells];
  });
  const head = ['constant', 'value', ...factors.map((factor) => `x ${factor}`)];
  return `Incidents found (of ${usual.incidents}) / false openings\n\n${tableOf([head, ...rows])}`;
}

/**
 * Holds out one group of edges at a time: the variation that does best on all others is scored on the group. The sum
 * over groups shows what the constants would have done on traffic that nobody saw when they were chosen.
 *
 * @param groupOf the group of an edge.
 */
export function leaveOneOut(
  all: readonly Variation[],
  results: readonly (readonly EdgeResult[])[],
  groupOf: (edge: EdgeResult) => string,
): string {
  const groups = [...new Set(results[0]!.map(groupOf))];
  const totals = { incidents: 0, found: 0, falseOpenings: 0 };
  const usualTotals = total(results[0]!);
  const rows = groups.flatMap((group) => {
    const inside = results.map((each) => total(each.filter((edge) => groupOf(edge) === group)));
    const others = results.map((each) => total(each.filter((edge) => groupOf(edge) !== group)));
    const chosen = best(others);
    totals.incidents += inside[chosen]!.incidents;
    totals.found += inside[chosen]!.found;
    totals.falseOpenings += inside[chosen]!.falseOpenings;
    if (inside.every(({ incidents, falseOpenings }) => incidents === 0 && falseOpenings === 0)) return [];
    const { constant, factor } = all[chosen]!;
    const name = constant === undefined ? 'as they are' : `${constant} x ${factor}`;
    return [[group, `${inside[0]!.incidents}`, cell(inside[0]!), cell(inside[chosen]!), name]];
  });
  const head = ['held out', 'incidents', 'constants as they are', 'constants chosen on the others', 'which are'];
  const sum = ['sum', `${totals.incidents}`, cell(usualTotals), cell(totals), ''];
  return `Incidents found / false openings\n\n${tableOf([head, ...rows, sum])}`;
}

/** The variation that finds the most with no more false openings than the constants as they are, which win a tie. */
function best(totals: readonly Total[]): number {
  let chosen = 0;
  totals.forEach((each, at) => {
    if (each.falseOpenings > totals[0]!.falseOpenings) return;
    const isBetter =
      each.found > totals[chosen]!.found ||
      (each.found === totals[chosen]!.found && each.falseOpenings < totals[chosen]!.falseOpenings);
    if (isBetter) chosen = at;
  });
  return chosen;
}
