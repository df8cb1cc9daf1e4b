import type { Plot } from './reading.ts';

/** The colours of the style sheet. */
export interface Palette {
  readonly calls: string;
  readonly failed: string;
  readonly refused: string;
  readonly limit: string;
  readonly grid: string;
  readonly slow: string;
  readonly heat: string;
}

let palette: Palette | undefined;

function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  return {
    calls: colour('--plot-calls'),
    failed: colour('--plot-failed'),
    refused: colour('--plot-refused'),
    limit: colour('--plot-limit'),
    grid: colour('--plot-grid'),
    slow: colour('--plot-slow'),
    heat: colour('--plot-heat'),
  };
}

export const colours = (): Palette => {
  palette ??= readPalette();
  return palette;
};

/** Makes the next drawing read the colours again. */
export function forgetColours(): void {
  palette = undefined;
}

/** The maximum of the plot: calls with the rejected ones on top, and the threshold. */
export function ceiling({ calls, rejected, limit }: Plot): number {
  return Math.max(1, ...calls.map((own, i) => own + rejected[i]!), ...limit.map((one) => one ?? 0)) * 1.1;
}

/** Draws calls, failures, rejected calls on top of them, and the threshold, on one scale that starts at zero. */
export function drawPlot(canvas: HTMLCanvasElement, width: number, height: number, plot: Plot): void {
  const scale = Math.min(2, devicePixelRatio || 1);
  if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
  }
  const context = canvas.getContext('2d');
  if (!context) return;
  const { calls, failed, refused, limit, grid } = colours();
  context.setTransform(scale, 0, 0, scale, 0, 0);
  context.clearRect(0, 0, width, height);
  const top = ceiling(plot);
  const slots = plot.calls.length;
  const step = width / slots;
  const y = (value: number) => height - 1 - (Math.min(value, top) / top) * (height - 3);

  context.strokeStyle = grid;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(0, height - 0.5);
  context.lineTo(width, height - 0.5);
  context.stroke();

  for (const [values, colour] of [
    [plot.calls.map((own, i) => own + plot.rejected[i]!), refused],
    [plot.calls, calls],
    [plot.measured, failed],
  ] as const) {
    context.fillStyle = colour;
    context.beginPath();
    context.moveTo(0, height - 1);
    values.forEach((value, i) => {
      context.lineTo(i * step, y(value));
      context.lineTo((i + 1) * step, y(value));
    });
    context.lineTo(width, height - 1);
    context.fill();
  }

  context.strokeStyle = limit;
  context.lineWidth = 1.5;
  context.setLineDash([4, 2]);
  context.beginPath();
  let drawing = false;
  plot.limit.forEach((value, i) => {
    if (value === undefined) {
      drawing = false;
      return;
    }
    if (drawing) context.lineTo(i * step, y(value));
    else context.moveTo(i * step, y(value));
    context.lineTo((i + 1) * step, y(value));
    drawing = true;
  });
  context.stroke();
  context.setLineDash([]);
}
