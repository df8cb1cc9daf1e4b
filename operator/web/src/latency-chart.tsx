import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import { fitWidth, TIME_AXIS, xScale } from './chart.tsx';
import { CURSOR, showSelected } from './crosshair.ts';
import { latency, timeOfDay } from './format.ts';
import { theme } from './model.ts';
import { axisOf, Y_AXIS } from './rate-chart.tsx';
import { colours } from './tile-plot.ts';
import type { Zoom } from './zoom.ts';

const HEIGHT = 170;

/** The weakest colour of a field with calls, so that a single call is seen. */
const LEAST_ALPHA = 0.15;

interface Latencies {
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly slotMs: number;
  readonly boundsMs: readonly number[];
  /** For each slot: the calls of every row. */
  readonly values: readonly number[];
}

interface Props {
  readonly latencies: Latencies;
  readonly zoom: Zoom | undefined;
}

/** Calls by time and latency: the more calls a field has, the stronger is its colour. */
export function LatencyChart({ latencies, zoom }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const told = useRef(latencies);
  told.current = latencies;
  const shown = useRef<Zoom | undefined>(zoom);
  shown.current = zoom;
  const colour = theme.value;
  const { begin, slotMs, boundsMs, values } = latencies;
  const rows = boundsMs.length;
  const slots = values.length / rows;
  // The last time is the end of the last slot, so that it has the width of the others.
  const times = Array.from({ length: slots + 1 }, (_, slot) => (begin + slot * slotMs) / 1_000);
  const totals = times.map((_, slot) =>
    values.slice(slot * rows, (slot + 1) * rows).reduce((sum, own) => sum + own, 0),
  );
  const data: uPlot.AlignedData = [times, totals];

  useEffect(() => {
    const element = frame.current!;
    const axis = axisOf(element, 'transparent');
    const quantileAt = (slot: number, share: number) => {
      const own = told.current.values.slice(slot * rows, (slot + 1) * rows);
      const total = own.reduce((sum, calls) => sum + calls, 0);
      let seen = 0;
      const row = own.findIndex((calls) => {
        seen += calls;
        return seen >= share * total;
      });
      return total === 0 ? '–' : latency(boundsMs[row]);
    };
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { live: true },
        cursor: CURSOR,
        scales: { x: xScale(shown), y: { range: () => [0, rows] } },
        axes: [
          { ...axis, ...TIME_AXIS, size: 26 },
          {
            ...axis,
            size: Y_AXIS,
            splits: () => boundsMs.flatMap((_, row) => (row % 3 === 0 ? [row + 0.5] : [])),
            values: (_, splits) => splits.map((split) => latency(boundsMs[Math.floor(split)])),
          },
        ],
        series: [
          { label: 'from', value: (_, seconds) => (seconds == null ? '' : timeOfDay(seconds, true)) },
          {
            label: 'p50, p99',
            paths: () => null,
            points: { show: false },
            value: (_, __, ___, i) => (i == null ? '–' : `${quantileAt(i, 0.5)}, ${quantileAt(i, 0.99)}`),
          },
        ],
        hooks: { draw: [(own) => drawFields(own, told.current)], setSelect: [showSelected] },
      },
      data,
      element,
    );
    chart.current = made;
    return fitWidth(made, element);
  }, [colour, rows]);
  useEffect(() => chart.current!.setData(data));
  return <div class="chart heat" ref={frame} />;
}

function drawFields(plot: uPlot, { boundsMs, values }: Latencies): void {
  const { ctx, bbox } = plot;
  const rows = boundsMs.length;
  const times = plot.data[0]!;
  const most = values.reduce((a, b) => Math.max(a, b), 1);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = colours().heat;
  for (let slot = 0; slot + 1 < times.length; slot += 1) {
    const left = Math.floor(plot.valToPos(times[slot]!, 'x', true));
    const right = Math.ceil(plot.valToPos(times[slot + 1]!, 'x', true));
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    for (let row = 0; row < rows; row += 1) {
      const calls = values[slot * rows + row]!;
      if (calls === 0) continue;
      // Calls differ by orders of magnitude, so the strength grows with their logarithm.
      ctx.globalAlpha = LEAST_ALPHA + ((1 - LEAST_ALPHA) * Math.log1p(calls)) / Math.log1p(most);
      const top = Math.floor(plot.valToPos(row + 1, 'y', true));
      ctx.fillRect(left, top, right - left, Math.ceil(plot.valToPos(row, 'y', true)) - top);
    }
  }
  ctx.restore();
}
