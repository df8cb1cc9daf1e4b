import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { CURSOR, showSelected } from './crosshair.ts';
import { timeLabels, timeOfDay } from './format.ts';
import { theme } from './model.ts';
import type { Plot } from './reading.ts';
import { ceiling, colours } from './tile-plot.ts';
import type { Zoom } from './zoom.ts';

const HEIGHT = 210;

interface Props {
  readonly plot: Plot;
  readonly measured: string;
  /** End of the last slot, in milliseconds since 1970. */
  readonly until: number;
  readonly slotMs: number;
  readonly zoom: Zoom | undefined;
}

/** The scale of time: the shown part where there are data in it, else all data. */
export const xScale = (shown: { readonly current: Zoom | undefined }): uPlot.Scale => ({
  range: (_, first, last) => {
    const zoom = shown.current;
    if (zoom === undefined || zoom.until / 1_000 <= first || zoom.from / 1_000 >= last) return [first, last];
    return [zoom.from / 1_000, zoom.until / 1_000];
  },
});

/** The axis of time; labels have room for seconds. */
export const TIME_AXIS = {
  space: 70,
  values: ({ scales }: uPlot, seconds: number[]) => timeLabels(seconds, (scales.x!.max ?? 0) - (scales.x!.min ?? 0)),
} satisfies uPlot.Axis;

/** Keeps a plot as wide as its element. @returns a function that destroys the plot. */
export function fitWidth(plot: uPlot, element: HTMLElement): () => void {
  const observer = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: plot.height }));
  observer.observe(element);
  return () => {
    observer.disconnect();
    plot.destroy();
  };
}

/** The plot of one breaker with axes: calls with the rejected ones on top, the measured calls, and their threshold. */
export function Chart({ plot, measured, until, slotMs, zoom }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const top = useRef(1);
  const shown = useRef<Zoom | undefined>(zoom);
  shown.current = zoom;
  const colour = theme.value;
  const times = plot.calls.map((_, i) => (until - (plot.calls.length - 1 - i) * slotMs) / 1_000);
  const values: uPlot.AlignedData = [
    times,
    plot.calls.map((own, i) => own + plot.rejected[i]!),
    [...plot.calls],
    [...plot.measured],
    plot.limit.map((one) => one ?? null),
  ];
  top.current = ceiling(plot);

  useEffect(() => {
    const element = frame.current!;
    const { calls, failed, refused, limit, grid } = colours();
    const text = getComputedStyle(element).color;
    const axis = { stroke: text, grid: { stroke: grid, width: 1 }, ticks: { show: false }, font: '12px system-ui' };
    const stepped = uPlot.paths.stepped!({ align: -1 });
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { live: true },
        cursor: CURSOR,
        scales: { x: xScale(shown), y: { range: () => [0, top.current] } },
        hooks: { setSelect: [showSelected] },
        axes: [
          { ...axis, ...TIME_AXIS, size: 26 },
          { ...axis, size: 44 },
        ],
        series: [
          { label: 'at', value: (_, seconds) => (seconds == null ? '' : timeOfDay(seconds, true)) },
          {
            ...{ label: 'refused', fill: refused, stroke: refused, paths: stepped, points: { show: false } },
            value: (own, _, __, i) => (i == null ? '–' : String(own.data[1]![i]! - own.data[2]![i]!)),
          },
          { label: 'calls', fill: calls, stroke: calls, paths: stepped, points: { show: false } },
          { label: measured, fill: failed, stroke: failed, paths: stepped, points: { show: false } },
          { label: 'opens at', stroke: limit, width: 2, dash: [6, 3], paths: stepped, points: { show: false } },
        ],
      },
      values,
      element,
    );
    chart.current = made;
    return fitWidth(made, element);
  }, [colour, measured]);
  useEffect(() => {
    const made = chart.current!;
    made.setData(values);
    // Runs after uPlot's own update, which shows nothing without a pointer.
    queueMicrotask(() => {
      if (chart.current === made && made.cursor.idx == null) made.setLegend({ idx: times.length - 1 }, false);
    });
  });
  return <div class="chart" ref={frame} />;
}
