import { LIBRARY_DEFAULTS } from '../replay/library-defaults.ts';
import type { PolicyFigures, Simulation } from '../simulate/simulate.ts';
import { STEPS } from '../simulate/timeline.ts';
import { figure, moment, percent } from './words.ts';

/** Colours that are readable on a light and on a dark page. */
const PLOT_STYLE = `
  .paper { fill: #fff } text { fill: #111; font: 13px system-ui, sans-serif } text.soft { fill: #555; font-size: 12px }
  .calls { fill: #9db8d2 } .slow { fill: #d9a400 } .failures { fill: #c0392b } .incident { fill: #b4420f; opacity: .14 } .axis { stroke: #999; fill: none } .grid { stroke: #ddd }
  .band { fill: #eef1f4 } .open { fill: #b4420f } .false { fill: #7a1fa2 } .mine { fill: #0b5fa5 } .library { fill: #777 } .cut { stroke: #999; stroke-dasharray: 1 3 } .learned { stroke: #0b5fa5; stroke-dasharray: 4 3; fill: none }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } text.soft { fill: #a9b4c0 } .calls { fill: #3d5a78 } .slow { fill: #e3b341 } .failures { fill: #ff7b6b } .incident { fill: #ff9a6b; opacity: .2 }
    .axis { stroke: #6b7582 } .grid { stroke: #2a323d } .band { fill: #1b222c } .open { fill: #ff9a6b } .false { fill: #d59cff } .mine { fill: #6cb6ff } .library { fill: #9aa4b2 } .learned { stroke: #6cb6ff }
  }`;

const WIDTH = 900;
const LEFT = 150;
const RIGHT = 20;
const MARGIN = 12;
const LINE = 16;
const LOAD_HEIGHT = 110;
const BAND = 22;

const at = (value: number) => Math.round(value * 10) / 10;
const stepX = (step: number) => at(LEFT + (step / STEPS) * (WIDTH - LEFT - RIGHT));
const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

function svg(height: number, title: string, body: readonly string[]): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escaped(title)}">`,
    `<style>${PLOT_STYLE}\n</style>`,
    `<rect class="paper" width="${WIDTH}" height="${height}"/>`,
    ...body,
    '</svg>',
    '',
  ].join('\n');
}

/** What is drawn beside a simulation. */
export interface TimelineOptions {
  /** The first policy was chosen from the calls before this time. */
  readonly learnedUntil?: number;
  /** Times at which a pause of the record was left out. */
  readonly cuts?: readonly number[];
}

/**
 * Plots calls, slow calls and failures over time, with incidents shaded. Below it, each policy has a band that is dark
 * where it is open, with false openings marked. Its size is bounded by the number of policies, however many calls there
 * are.
 */
export function timelineSvg(
  { breaker, from, to, load, segmentation, policies }: Simulation,
  { learnedUntil, cuts = [] }: TimelineOptions = {},
): string {
  const x = (time: number) => at(LEFT + ((time - from) / Math.max(1, to - from)) * (WIDTH - LEFT - RIGHT));
  const top = 56;
  const bottom = top + LOAD_HEIGHT;
  const height = bottom + 40 + policies.length * (BAND + 10) + 30;
  const most = Math.max(1, ...load.calls);
  const bars = (kind: string, values: readonly number[], under: readonly number[] = []) => {
    const tall = (value: number) => at((value / most) * LOAD_HEIGHT);
    const each = values.map((value, i) => {
      if (value === 0) return '';
      return `M${stepX(i)} ${at(bottom - tall(under[i] ?? 0))}v-${tall(value)}H${stepX(i + 1)}v${tall(value)}`;
    });
    return `<path class="${kind}" d="${each.join('')}"/>`;
  };
  const bandTop = (i: number) => bottom + 40 + i * (BAND + 10);
  const end = bandTop(policies.length);
  const shades = segmentation.incidents.map(
    (each) => `M${x(each.from)} ${top}h${Math.max(2, at(x(each.to) - x(each.from)))}V${end}H${x(each.from)}z`,
  );
  const legend = [
    'calls (blue), slow (yellow), failed (red), incidents (shaded), open circuits (orange), false openings (violet)',
    ...(cuts.length === 0 ? [] : ['pauses left out (grey lines)']),
  ];
  return svg(height, `${breaker}: calls, failures and what each policy would have done`, [
    `<text x="${MARGIN}" y="20" font-weight="600">${escaped(breaker)}</text>`,
    `<text class="soft" x="${MARGIN}" y="39">${legend.join(', ')}</text>`,
    `<text class="soft" x="${LEFT - 8}" y="${top + 10}" text-anchor="end">${figure(most / (load.stepMs / 1_000))} calls/s</text>`,
    `<path class="incident" d="${shades.join('')}"/>`,
    bars('calls', load.calls),
    bars('failures', load.failures),
    bars('slow', load.slow, load.failures),
    `<path class="axis" d="M${LEFT} ${top} V${bottom} H${WIDTH - RIGHT}"/>`,
    ...policies.flatMap((policy, i) => band(policy, bandTop(i), x)),
    `<path class="cut" d="${cuts.map((each) => `M${x(each)} ${top}V${end}`).join('')}"/>`,
    ...(learnedUntil === undefined ? [] : learned(x(learnedUntil), top, bottom, end)),
    `<text class="soft" x="${LEFT}" y="${end + 14}">${moment(from)}</text>`,
    `<text class="soft" x="${WIDTH - RIGHT}" y="${end + 14}" text-anchor="end">${moment(to)}</text>`,
  ]);
}

function learned(x: number, top: number, bottom: number, end: number): string[] {
  const isRight = x > WIDTH / 2;
  const beside = isRight ? `x="${x - 5}" text-anchor="end"` : `x="${x + 5}"`;
  return [
    `<path class="learned" d="M${x} ${top - 6}V${end}"/>`,
    `<text class="soft" ${beside} y="${bottom + 20}">the first policy was suggested from the calls left of this line</text>`,
  ];
}

function band({ name, lane, openings }: PolicyFigures, top: number, x: (time: number) => number): string[] {
  const shown = lane.open.map((share) => (share === 0 ? 0 : at(0.4 + 0.6 * share)));
  const parts = new Map<number, string>();
  for (let i = 0, next = 0; i < shown.length; i = next) {
    const opacity = shown[i]!;
    while (next < shown.length && shown[next] === opacity) next++;
    if (opacity === 0) continue;
    parts.set(opacity, `${parts.get(opacity) ?? ''}M${stepX(i)} ${top}H${stepX(next)}v${BAND}H${stepX(i)}z`);
  }
  const wrong = openings.filter(({ incident }) => incident === undefined).map(({ at: when }) => Math.round(x(when)));
  return [
    `<text class="soft" x="${LEFT - 8}" y="${top + 15}" text-anchor="end">${escaped(name.length > 22 ? `${name.slice(0, 21)}…` : name)}</text>`,
    `<rect class="band" x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${BAND}"/>`,
    ...[...parts].map(([opacity, d]) => `<path class="open" opacity="${opacity}" d="${d}"/>`),
    `<path class="false" d="${[...new Set(wrong)].map((when) => `M${when} ${top - 2}l4-7h-8z`).join('')}"/>`,
  ];
}

/** Plots the false effects of each policy against the calls that it spares. Left and high is better. */
export function frontierSvg({ breaker, policies }: Simulation): string {
  const [left, top, width, height] = [70, 60, WIDTH - 70 - 220, 260];
  const points = policies.map((policy) => {
    const sum = (count: 'bad' | 'badSpared') => policy.incidents.reduce((total, each) => total + each[count], 0);
    const { seen, processDays } = policy.falseOpenings;
    return {
      name: policy.name,
      perMonth: processDays > 0 ? (seen / processDays) * 30 : 0,
      spared: sum('bad') === 0 ? 0 : sum('badSpared') / sum('bad'),
    };
  });
  const most = Math.max(1, ...points.map(({ perMonth }) => perMonth));
  const x = (perMonth: number) => at(left + (Math.log10(1 + perMonth) / Math.log10(1 + most)) * width);
  const y = (spared: number) => at(top + height - spared * height);
  const ticks = [0, 1, 10, 100, 1_000, 10_000].filter((each) => each <= most);
  const labels = apart(
    points.map(({ spared }) => y(spared)),
    top + height + 4,
  );
  const isCalm = policies.every(({ incidents }) => incidents.every(({ bad }) => bad === 0));
  return svg(top + height + 60, `${breaker}: false openings against bad calls spared`, [
    `<text x="${MARGIN}" y="20" font-weight="600">${escaped(breaker)}</text>`,
    `<text class="soft" x="${MARGIN}" y="39">bad calls spared in incidents, against false openings a month and process</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      `<path class="grid" d="M${left} ${y(share)} H${left + width}"/>`,
      `<text class="soft" x="${left - 8}" y="${y(share) + 4}" text-anchor="end">${percent(share)}</text>`,
    ]),
    ...ticks.map(
      (each) =>
        `<text class="soft" x="${x(each)}" y="${top + height + 20}" text-anchor="middle">${figure(each)}</text>`,
    ),
    `<path class="axis" d="M${left} ${top} V${top + height} H${left + width}"/>`,
    ...(isCalm
      ? [
          `<text class="soft" x="${left + width / 2}" y="${top + height / 2}" text-anchor="middle">no bad call in an incident: nothing could be spared</text>`,
        ]
      : []),
    ...points.flatMap(({ name, perMonth, spared }, i) => [
      `<path class="grid" d="M${x(perMonth)} ${y(spared)} L${left + width + 10} ${labels[i]! - 4}"/>`,
      `<text class="soft" x="${left + width + 14}" y="${labels[i]}">${escaped(name)}</text>`,
    ]),
    ...['library', 'mine'].flatMap((kind) =>
      points
        .filter(({ name }) => name in LIBRARY_DEFAULTS === (kind === 'library'))
        .map(({ perMonth, spared }) => `<circle class="${kind}" cx="${x(perMonth)}" cy="${y(spared)}" r="6"/>`),
    ),
  ]);
}

/** Heights of the labels beside points, moved until none overlaps another and none is below the lowest place. */
function apart(wanted: readonly number[], lowest: number): number[] {
  const order = wanted.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  const found = new Array<number>(wanted.length);
  let free = Number.NEGATIVE_INFINITY;
  for (const { height, i } of order) {
    found[i] = Math.max(height + 4, free);
    free = found[i]! + LINE;
  }
  let last = lowest;
  for (const { i } of order.reverse()) {
    found[i] = Math.min(found[i]!, last);
    last = found[i]! - LINE;
  }
  return found;
}
