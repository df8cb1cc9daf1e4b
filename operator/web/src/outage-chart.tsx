import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { SERIES_COLUMNS } from '../../src/core/outages/series.ts';
import type { OutageDetail } from '../../src/http/admin/answers/outages.ts';
import { fitWidth, timeOfDay } from './chart.tsx';
import { theme } from './model.ts';
import { colours } from './tile-plot.ts';

const HEIGHT = 210;

/** The height of the band of states, in pixels. */
const BAND = 10;

/**
 * The plot of an outage: calls per second as stacked areas, with rejected calls on top of permitted ones. Below them, a
 * band shows when circuits were open or half-open.
 */
export function OutageChart({ series }: Pick<OutageDetail, 'series'>) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const states = useRef<readonly (readonly [number, number])[]>([]);
  const colour = theme.value;
  const { begin, slotMs, values } = series;
  const width = SERIES_COLUMNS.length;
  const slots = values.length / width;
  const column = (name: (typeof SERIES_COLUMNS)[number], slot: number) =>
    values[slot * width + SERIES_COLUMNS.indexOf(name)]!;
  const all = Array.from({ length: slots }, (_, slot) => slot);
  const rate = (name: 'calls' | 'failed' | 'rejected') => all.map((slot) => (column(name, slot) * 1_000) / slotMs);
  const [calls, failed, refused] = [rate('calls'), rate('failed'), rate('rejected')];
  const data: uPlot.AlignedData = [
    all.map((slot) => (begin + slot * slotMs) / 1_000),
    // The highest area is drawn first, so that the lower ones cover it.
    calls.map((own, i) => own + refused[i]!),
    calls,
    failed,
  ];
  states.current = all.map((slot) => [column('open', slot), column('halfOpen', slot)] as const);

  useEffect(() => {
    const element = frame.current!;
    const palette = colours();
    const text = getComputedStyle(element).color;
    const axis = {
      stroke: text,
      grid: { stroke: palette.grid, width: 1 },
      ticks: { show: false },
      font: '12px system-ui',
    };
    const paths = uPlot.paths.stepped!({ align: 1 });
    const points = { show: false };
    const perSecond = (value: number | null) => (value == null ? '–' : `${Number(value.toPrecision(3))}/s`);
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { live: true },
        cursor: { y: false, drag: { setScale: false } },
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most) * 1.1] } },
        axes: [
          { ...axis, size: 26 + BAND, gap: BAND + 4, values: (_, seconds) => seconds.map((one) => timeOfDay(one)) },
          { ...axis, size: 52, label: 'calls/s', labelSize: 18, labelFont: '12px system-ui' },
        ],
        series: [
          { label: 'at', value: (_, seconds) => (seconds == null ? '' : timeOfDay(seconds, true)) },
          {
            ...{ label: 'refused', fill: palette.refused, stroke: palette.refused, paths, points },
            value: (own, _, __, i) => perSecond(i == null ? null : own.data[1]![i]! - own.data[2]![i]!),
          },
          {
            label: 'permitted',
            fill: palette.calls,
            stroke: palette.calls,
            paths,
            points,
            value: (_, v) => perSecond(v),
          },
          {
            label: 'failed',
            fill: palette.failed,
            stroke: palette.failed,
            paths,
            points,
            value: (_, v) => perSecond(v),
          },
        ],
        hooks: { draw: [(own) => drawStates(own, states.current)] },
      },
      data,
      element,
    );
    chart.current = made;
    return fitWidth(made, element);
  }, [colour]);
  useEffect(() => chart.current!.setData(data));
  return (
    <>
      <div class="chart" ref={frame} />
      <p class="more">The band below the plot: red where a circuit was open, yellow where one was half-open.</p>
    </>
  );
}

function drawStates(plot: uPlot, states: readonly (readonly [number, number])[]): void {
  const { ctx, bbox } = plot;
  const style = getComputedStyle(document.documentElement);
  const scale = devicePixelRatio || 1;
  const times = plot.data[0]!;
  const end = bbox.left + bbox.width;
  states.forEach(([open, halfOpen], i) => {
    if (open + halfOpen === 0) return;
    const from = plot.valToPos(times[i]!, 'x', true);
    const to = i + 1 < times.length ? plot.valToPos(times[i + 1]!, 'x', true) : end;
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
