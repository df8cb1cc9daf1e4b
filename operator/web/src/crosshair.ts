import type uPlot from 'uplot';
import { go } from './model.ts';
import { LEAST_MS } from './zoom.ts';

/** The name under which plots share their crosshair. */
const CROSSHAIR = 'time';

/**
 * The cursor of a plot: a vertical line at the same time in every plot, and a selection with the pointer, which becomes
 * the shown part.
 */
export const CURSOR = {
  y: false,
  drag: { x: true, y: false, setScale: false },
  sync: { key: CROSSHAIR, setSeries: false },
} as const satisfies uPlot.Cursor;

/** The least width of a selection, in pixels, so that a click selects nothing. */
const LEAST_SELECTED = 6;

/** Shows the part of time that was selected in a plot. */
export function showSelected(plot: uPlot): void {
  const { left, width } = plot.select;
  if (width < LEAST_SELECTED) return;
  const [from, until] = [plot.posToVal(left, 'x') * 1_000, plot.posToVal(left + width, 'x') * 1_000];
  plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  if (until - from >= LEAST_MS) go({ zoom: { from, until } });
}
