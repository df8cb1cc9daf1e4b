import type { EdgeScore, IncidentScore } from './score.ts';

const nameOf = ({ edge: { series, from, to } }: { readonly edge: EdgeScore['edge'] }) => `${series}: ${from} > ${to}`;
const foundOf = ({ incidents }: EdgeScore) => incidents.filter(({ delayMs }) => delayMs !== undefined).length;

/**
 * Where the first does worse than the others, edge by edge and incident by incident, and what the record says about it.
 */
export function causesOf(
  suggested: readonly EdgeScore[],
  fixed: readonly EdgeScore[],
  recipe: readonly EdgeScore[],
): string {
  const losses = [
    ...suggested.flatMap((mine, at) => against(mine, fixed[at]!, 'the fixed policy')),
    ...lossesToRecipe(suggested, recipe),
  ];
  return losses.length === 0
    ? 'No edge is worse than with the fixed policy or with its recipe.'
    : ['Where suggest is worse:', ...losses.map((each) => `- ${each}`)].join('\n');
}

/** Where the first finds fewer incidents, or opens falsely more often, than the recipe. */
export function lossesToRecipe(suggested: readonly EdgeScore[], recipe: readonly EdgeScore[]): string[] {
  return suggested.flatMap((mine, at) => against(mine, recipe[at]!, 'the recipe'));
}

function against(mine: EdgeScore, other: EdgeScore, name: string): string[] {
  const found: string[] = [];
  if (mine.falseOpenings.length > other.falseOpenings.length) {
    const causes = mine.falseOpenings.slice(0, 5).map(({ at, reason }) => `${reason} at ${Math.round(at / 1_000)} s`);
    found.push(
      `${nameOf(mine)}: ${mine.falseOpenings.length} false openings, ${name} ${other.falseOpenings.length} (${causes.join(', ')})`,
    );
  }
  mine.incidents.forEach((incident, at) => {
    if (incident.delayMs !== undefined || other.incidents[at]!.delayMs === undefined) return;
    found.push(`${nameOf(mine)}: ${named(incident)} not found, ${name} found it: ${causeOf(incident)}`);
  });
  return found;
}

/** The incidents that were not found although enough was recorded before them, with what kept them from it. */
export function missesOf(scores: readonly EdgeScore[]): string {
  const missed = scores.flatMap((edge) =>
    edge.incidents
      .filter(({ learned, delayMs }) => learned && delayMs === undefined)
      .map((each) => `- ${nameOf(edge)}: ${named(each)}: ${causeOf(each)}`),
  );
  return missed.length === 0 ? 'Every incident with enough before it is found.' : ['Not found:', ...missed].join('\n');
}

/** Below these a rule that holds in calm traffic does not open. */
const FEW_CALLS = 5;
const MOST = 0.6;

function causeOf({ bad, good }: IncidentScore): string {
  if (bad < FEW_CALLS) return `only ${bad} bad calls`;
  const share = bad / (bad + good);
  if (share < MOST) return `${Math.round(share * 100)} % of its calls are bad, fewer than a rule for most calls takes`;
  return 'over before a window that holds in calm traffic was full of it, or calm traffic has shown as much';
}

function named({ incident: { start, end, kinds }, bad, good }: IncidentScore): string {
  const seconds = Math.round((end - start) / 1_000);
  return `${kinds.join(' and ')} at ${Math.round(start / 1_000)} s for ${seconds} s (${bad} of ${bad + good} calls bad)`;
}

/** For each edge with an incident or a false opening: incidents found and false openings of each contestant. */
export function edgeTable(
  results: readonly { readonly name: string; readonly scores: readonly EdgeScore[] }[],
): string {
  const head = ['edge', 'incidents', ...results.map(({ name }) => name)];
  const rows = results[0]!.scores.flatMap((first, at) => {
    const all = results.map(({ scores }) => scores[at]!);
    if (all.every((each) => each.incidents.length === 0 && each.falseOpenings.length === 0)) return [];
    const cells = all.map((each) => `${foundOf(each)} / ${each.falseOpenings.length}`);
    return [[nameOf(first), `${first.incidents.length}`, ...cells]];
  });
  return [
    'Found / false openings',
    '',
    ...[head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`),
  ].join('\n');
}
