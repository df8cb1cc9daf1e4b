import { useEffect, useRef } from 'preact/hooks';
import { callsPerSecond, percent } from './format.ts';
import { Link } from './link.tsx';
import { store, theme } from './model.ts';
import { counted, plotOf, rankOf } from './reading.ts';
import { isStale, type PlacedProps, STATE_WORDS } from './tile.tsx';
import { drawPlot } from './tile-plot.ts';

export const LINE_HEIGHT = 34;
const PLOT = { width: 96, height: 24 };

/** A healthy breaker: its name, its calls and failures, and their plot. */
export function BreakerLine({ id, index, total, tabbable, x, y, width, onFocus }: PlacedProps) {
  const cell = store.cells.get(id);
  if (!cell) return null;
  const row = cell.row.value;
  const policy = store.policyOf(row);
  const rank = rankOf(row);
  const windowMs = policy?.thresholds?.windowMs ?? 10_000;
  const sums = counted(cell.ring, store.slot.value, store.slotMs, windowMs);
  const stale = isStale(row);
  return (
    <li
      class={`breaker-line ${rank} ${stale ? 'stale' : ''}`}
      aria-setsize={total}
      aria-posinset={index + 1}
      style={{ transform: `translate(${x}px, ${y}px)`, width: `${width}px`, height: `${LINE_HEIGHT}px` }}
    >
      <span class={`badge small ${rank} line-badge`}>{stale && rank !== 'none' ? 'silent' : STATE_WORDS[rank]}</span>
      <Link
        to={{ breaker: id, policy: undefined, agent: undefined, outage: undefined }}
        class="breaker line-name"
        data-opens={id}
        tabIndex={tabbable ? 0 : -1}
        onFocus={onFocus}
        title={`${row.breaker}, ${row.namespace}/${policy?.name ?? '(code)'}`}
      >
        {row.breaker}
      </Link>
      <span class="calls">{callsPerSecond(sums.calls, windowMs)}</span>
      <span class="failed">{percent(sums.failed, sums.calls)} failed</span>
      <LinePlot id={id} />
    </li>
  );
}

function LinePlot({ id }: { id: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const cell = store.cells.get(id)!;
  const row = cell.row.value;
  const slot = store.slot.value;
  const thresholds = store.policyOf(row)?.thresholds;
  const colours = theme.value;
  useEffect(() => {
    if (!canvas.current) return;
    drawPlot(canvas.current, PLOT.width, PLOT.height, plotOf(cell.ring, slot, store.slotMs, thresholds, row.agents));
  }, [cell, row, slot, thresholds, colours]);
  return <canvas class="spark" ref={canvas} style={{ width: `${PLOT.width}px`, height: `${PLOT.height}px` }} />;
}
