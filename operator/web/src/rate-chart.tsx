import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { fitWidth, TIME_AXIS, xScale } from './chart.tsx';
import { CURSOR, showSelected } from './crosshair.ts';
import { timeOfDay } from './format.ts';
import { theme } from './model.ts';
import { colours } from './tile-plot.ts';
import type { Zoom } from './zoom.ts';

const HEIGHT = 210;

/** The height of the band of states, in pixels. */
const BAND = 10;

/**
 * The width of the vertical axis with its label, in pixels. Plots below each other have the same, so that times align.
 */
export const Y_AXIS = 70;
const LABEL = 18;

/** Counts by slot, as the operator sends them. */
export interface Series {
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly slotMs: number;
  readonly columns: readonly string[];
  /** The columns of all slots, slot after slot. */
  readonly values: readonly number[];
  /** For each slot, 1 when a report arrived in it; absent: its counts are known for every slot. */
  readonly reported?: readonly number[] | undefined;
}

/** What happened to a breaker besides its calls. */
export const MARK_KINDS = { edit: 'E', override: 'O', restart: 'R' } as const;
export interface Mark {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly kind: keyof typeof MARK_KINDS;
  readonly text: string;
}

/** The values of a column, one for each slot. */
export const columnOf = ({ columns, values }: Series, name: string) =>
  values.filter((_, i) => columns[i % columns.length] === name);

interface Props {
  readonly series: Series;
  readonly marks: readonly Mark[];
  readonly zoom: Zoom | undefined;
}

/**
 * Calls per second as stacked areas: failed, slow and succeeded calls, and refused ones on top of them; a line shows
 * the calls that a fallback answered. Below them, a band shows when circuits were open or half-open. Vertical lines are
 * marks.
 */
export function RateChart({ series, marks, zoom }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const drawn = useRef<{ states: readonly (readonly [number, number])[]; marks: readonly Mark[] }>({
    states: [],
    marks,
  });
  const shown = useRef<Zoom | undefined>(zoom);
  shown.current = zoom;
  const colour = theme.value;
  const { begin, slotMs, reported } = series;
  const rate = (name: string) =>
    columnOf(series, name).map((count, slot) => (reported?.[slot] === 0 ? null : (count * 1_000) / slotMs));
  const [calls, failed, slow, refused, fallback] = [
    rate('calls'),
    rate('failed'),
    rate('slow'),
    rate('rejected'),
    rate('fallback'),
  ] as const;
  const halfOpen = columnOf(series, 'halfOpen');
  const data: uPlot.AlignedData = [
    calls.map((_, slot) => (begin + slot * slotMs) / 1_000),
    // The highest area is drawn first, so that the lower ones cover it.
    calls.map((own, i) => (own === null ? null : own + refused[i]!)),
    calls,
    // A failed call can be slow too, and has its place among the failed ones.
    failed.map((own, i) => (own === null ? null : Math.min(calls[i]!, own + slow[i]!))),
    failed,
    fallback,
  ];
  drawn.current = { states: columnOf(series, 'open').map((open, i) => [open, halfOpen[i]!] as const), marks };

  useEffect(() => {
    const element = frame.current!;
    const palette = colours();
    const axis = axisOf(element, palette.grid);
    const paths = uPlot.paths.stepped!({ align: 1 });
    const points = { show: false };
    const perSecond = (value: number | null | undefined) => (value == null ? '–' : `${Number(value.toPrecision(3))}/s`);
    const area = (label: string, own: string, below?: number): uPlot.Series => ({
      ...{ label, fill: own, stroke: own, paths, points },
      value: (plot, value, _, i) =>
        perSecond(value == null || i == null || below === undefined ? value : value - plot.data[below]![i]!),
    });
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { live: true },
        cursor: CURSOR,
        scales: { x: xScale(shown), y: { range: (_, __, most) => [0, Math.max(1, most) * 1.1] } },
        axes: [
          { ...axis, ...TIME_AXIS, size: 26 + BAND, gap: BAND + 4 },
          { ...axis, size: Y_AXIS - LABEL, label: 'calls/s', labelSize: LABEL, labelFont: '12px system-ui' },
        ],
        series: [
          { label: 'at', value: (_, seconds) => (seconds == null ? '' : timeOfDay(seconds, true)) },
          area('refused', palette.refused, 2),
          area('succeeded', palette.calls, 3),
          area('slow', palette.slow, 4),
          area('failed', palette.failed),
          {
            ...{ label: 'by fallback', stroke: palette.limit, width: 1.5, dash: [4, 3], paths, points },
            value: (_, value) => perSecond(value),
          },
        ],
        hooks: {
          draw: [
            (own) => {
              drawStates(own, drawn.current.states);
              drawMarks(own, drawn.current.marks);
            },
          ],
          setSelect: [showSelected],
        },
      },
      data,
      element,
    );
    chart.current = made;
    return fitWidth(made, element);
  }, [colour]);
  useEffect(() => chart.current!.setData(data));
  return <div class="chart" ref={frame} />;
}

/** What the axes of all plots have in common. */
export const axisOf = (element: HTMLElement, grid: string) => ({
  stroke: getComputedStyle(element).color,
  grid: { stroke: grid, width: 1 },
  ticks: { show: false },
  font: '12px system-ui',
});

function drawStates(plot: uPlot, states: readonly (readonly [number, number])[]): void {
  const { ctx, bbox } = plot;
  const style = getComputedStyle(document.documentElement);
  const scale = devicePixelRatio || 1;
  const times = plot.data[0]!;
  const end = bbox.left + bbox.width;
  states.forEach(([open, halfOpen], i) => {
    if (open + halfOpen === 0) return;
    const from = Math.max(bbox.left, plot.valToPos(times[i]!, 'x', true));
    const to = Math.min(end, i + 1 < times.length ? plot.valToPos(times[i + 1]!, 'x', true) : end);
    if (to <= from) return;
    ctx.fillStyle = style.getPropertyValue(open > 0 ? '--open' : '--half').trim();
    // Half-open has half the height, so that the states differ by more than their colour.
    const height = (open > 0 ? BAND : BAND / 2) * scale;
    ctx.fillRect(
      Math.floor(from),
      bbox.top + bbox.height + 2 * scale,
      Math.max(1, Math.ceil(to) - Math.floor(from)),
      height,
    );
  });
}

function drawMarks(plot: uPlot, marks: readonly Mark[]): void {
  const { ctx, bbox } = plot;
  const scale = devicePixelRatio || 1;
  const style = getComputedStyle(document.documentElement);
  ctx.save();
  ctx.font = `${12 * scale}px system-ui`;
  ctx.textAlign = 'center';
  ctx.textBaseline = 'middle';
  for (const { at, kind } of marks) {
    const x = Math.round(plot.valToPos(at / 1_000, 'x', true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.fillStyle = style.getPropertyValue('--text').trim();
    ctx.fillRect(x, bbox.top, scale, bbox.height);
    ctx.fillRect(x - 8 * scale, bbox.top, 16 * scale, 16 * scale);
    ctx.fillStyle = style.getPropertyValue('--surface').trim();
    ctx.fillText(MARK_KINDS[kind], x, bbox.top + 8 * scale);
  }
  ctx.restore();
}
