import { LIBRARY_DEFAULTS } from '../replay/library-defaults.ts';
import type { PolicyFigures, Simulation } from '../simulate/simulate.ts';
import { STEPS } from '../simulate/timeline.ts';
import { figure, moment, percent } from './words.ts';

/** Colours that are readable on a light and on a dark page. */
const PLOT_STYLE = `
  .paper { fill: #fff } text { fill: #111; font: 13px system-ui, sans-serif } .soft { fill: #555; font-size: 12px }
  .calls { fill: #9db8d2 } .failures { fill: #c0392b } .incident { fill: #b4420f; opacity: .14 } .axis { stroke: #999; fill: none } .grid { stroke: #ddd }
  .band { fill: #eef1f4 } .open { fill: #b4420f } .false { fill: #7a1fa2 } .mine { fill: #0b5fa5 } .library { fill: #777 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } text { fill: #e6edf3 } .soft { fill: #a9b4c0 } .calls { fill: #3d5a78 } .failures { fill: #ff7b6b } .incident { fill: #ff9a6b; opacity: .2 }
    .axis { stroke: #6b7582 } .grid { stroke: #2a323d } .band { fill: #1b222c } .open { fill: #ff9a6b } .false { fill: #d59cff } .mine { fill: #6cb6ff } .library { fill: #9aa4b2 }
  }`;

const WIDTH = 900;
const LEFT = 150;
const RIGHT = 20;
const LOAD_HEIGHT = 110;
const BAND = 22;

const at = (value: number) => Math.round(value * 10) / 10;
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

/**
 * Plots calls and failures over time, with incidents shaded. Below it, each policy has a band that is dark where it is
 * open, with false openings marked.
 */
export function timelineSvg({ breaker, from, to, load, segmentation, policies }: Simulation): string {
  const x = (time: number) => at(LEFT + ((time - from) / Math.max(1, to - from)) * (WIDTH - LEFT - RIGHT));
  const step = (WIDTH - LEFT - RIGHT) / STEPS;
  const top = 40;
  const bottom = top + LOAD_HEIGHT;
  const height = bottom + 40 + policies.length * (BAND + 10) + 30;
  const most = Math.max(1, ...load.calls);
  const bar = (kind: string, values: readonly number[]) =>
    values.flatMap((value, i) => {
      const tall = (value / most) * LOAD_HEIGHT;
      return value === 0
        ? []
        : [
            `<rect class="${kind}" x="${at(LEFT + i * step)}" y="${at(bottom - tall)}" width="${at(step)}" height="${at(tall)}"/>`,
          ];
    });
  const bandTop = (i: number) => bottom + 40 + i * (BAND + 10);
  const end = bandTop(policies.length);
  const shades = segmentation.incidents.map(
    (each) =>
      `<rect class="incident" x="${x(each.from)}" y="${top}" width="${Math.max(2, at(x(each.to) - x(each.from)))}" height="${end - top}"/>`,
  );
  const bands = policies.flatMap((policy, i) => band(policy, bandTop(i), step, x));
  return svg(height, `${breaker}: calls, failures and what each policy would have done`, [
    `<text x="${LEFT}" y="22" font-weight="600">${escaped(breaker)}: calls (blue), failures (red), incidents (shaded), open circuits (orange), false openings (violet)</text>`,
    `<text class="soft" x="${LEFT - 8}" y="${top + 10}" text-anchor="end">${figure(most / (load.stepMs / 1_000))} calls/s</text>`,
    ...shades,
    ...bar('calls', load.calls),
    ...bar('failures', load.failures),
    `<path class="axis" d="M${LEFT} ${top} V${bottom} H${WIDTH - RIGHT}"/>`,
    ...bands,
    `<text class="soft" x="${LEFT}" y="${end + 14}">${moment(from)}</text>`,
    `<text class="soft" x="${WIDTH - RIGHT}" y="${end + 14}" text-anchor="end">${moment(to)}</text>`,
  ]);
}

function band(
  { name, lane, openings }: PolicyFigures,
  top: number,
  step: number,
  x: (time: number) => number,
): string[] {
  return [
    `<text class="soft" x="${LEFT - 8}" y="${top + 15}" text-anchor="end">${escaped(name.length > 22 ? `${name.slice(0, 21)}…` : name)}</text>`,
    `<rect class="band" x="${LEFT}" y="${top}" width="${WIDTH - LEFT - RIGHT}" height="${BAND}"/>`,
    ...lane.open.flatMap((share, i) =>
      share === 0
        ? []
        : [
            `<rect class="open" opacity="${at(0.4 + 0.6 * share)}" x="${at(LEFT + i * step)}" y="${top}" width="${at(Math.max(1.5, step))}" height="${BAND}"/>`,
          ],
    ),
    ...openings
      .filter(({ incident }) => incident === undefined)
      .map(({ at: when }) => `<path class="false" d="M${x(when)} ${top - 2} l4 -7 h-8 z"/>`),
  ];
}

/** Plots the false effects of each policy against the calls that it spares. Left and high is better. */
export function frontierSvg({ breaker, policies }: Simulation): string {
  const [left, top, width, height] = [70, 50, WIDTH - 70 - 220, 260];
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
  const labels = apart(points.map(({ spared }) => y(spared)));
  return svg(top + height + 60, `${breaker}: false openings against bad calls spared`, [
    `<text x="${left}" y="24" font-weight="600">Bad calls spared in incidents, against false openings a month and process</text>`,
    ...[0, 0.25, 0.5, 0.75, 1].flatMap((share) => [
      `<path class="grid" d="M${left} ${y(share)} H${left + width}"/>`,
      `<text class="soft" x="${left - 8}" y="${y(share) + 4}" text-anchor="end">${percent(share)}</text>`,
    ]),
    ...ticks.map(
      (each) =>
        `<text class="soft" x="${x(each)}" y="${top + height + 20}" text-anchor="middle">${figure(each)}</text>`,
    ),
    `<path class="axis" d="M${left} ${top} V${top + height} H${left + width}"/>`,
    ...points.flatMap(({ name, perMonth, spared }, i) => [
      `<circle class="${name in LIBRARY_DEFAULTS ? 'library' : 'mine'}" cx="${x(perMonth)}" cy="${y(spared)}" r="6"/>`,
      `<path class="grid" d="M${x(perMonth) + 7} ${y(spared)} L${left + width + 10} ${labels[i]! - 4}"/>`,
      `<text class="soft" x="${left + width + 14}" y="${labels[i]}">${escaped(name)}</text>`,
    ]),
  ]);
}

/** Heights of the labels beside points. Labels are moved down until none overlaps another. */
function apart(wanted: readonly number[]): number[] {
  const order = wanted.map((height, i) => ({ height, i })).sort((a, b) => a.height - b.height);
  const found = new Array<number>(wanted.length);
  let free = Number.NEGATIVE_INFINITY;
  for (const { height, i } of order) {
    found[i] = Math.max(height + 4, free);
    free = found[i]! + 16;
  }
  return found;
}
