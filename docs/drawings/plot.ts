import { textLabel } from './svg.ts';

export interface Curve {
  readonly label: string;
  readonly look: 'a' | 'b' | 'c';
  /** Seconds and percent, the earliest first. */
  readonly points: readonly (readonly [number, number])[];
  /** Where the label stands, in seconds and percent. */
  readonly labelAt: readonly [number, number];
}

export interface Plot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly seconds: readonly [from: number, to: number];
  /** Seconds between two marks of the axis. */
  readonly every: number;
  readonly title: string;
  readonly curves: readonly Curve[];
  /** A stretch of time that is shaded, in seconds, and what it is. */
  readonly shaded?: readonly [from: number, to: number, what: string];
}

/** A plot of percents over seconds. */
export function plot({ x, y, width, height, seconds: [from, to], every, title, curves, shaded }: Plot): string {
  const atX = (second: number) => round(x + ((second - from) / (to - from)) * width);
  const atY = (percent: number) => round(y + height - (percent / 100) * height);
  const parts = [textLabel({ x, y: y - 14, text: title, size: 14, bold: true })];
  if (shaded) {
    const [begin, end, what] = shaded;
    const left = atX(begin);
    parts.push(`<rect class="shade" x="${left}" y="${y}" width="${round(atX(end) - left)}" height="${height}"/>`);
    parts.push(
      textLabel({ x: round((left + atX(end)) / 2), y: y + 16, text: what, look: 'soft', size: 12, anchor: 'middle' }),
    );
  }
  for (const percent of [0, 25, 50, 75, 100]) {
    parts.push(`<path class="grid" d="M${x} ${atY(percent)} H${x + width}"/>`);
    parts.push(
      textLabel({ x: x - 8, y: atY(percent) + 4, text: `${percent} %`, look: 'soft', size: 12, anchor: 'end' }),
    );
  }
  for (let second = from; second <= to; second += every) {
    parts.push(
      textLabel({ x: atX(second), y: y + height + 18, text: `${second} s`, look: 'soft', size: 12, anchor: 'middle' }),
    );
  }
  parts.push(`<path class="axis" d="M${x} ${y} V${y + height} H${x + width}"/>`);
  for (const { label, look, points, labelAt } of curves) {
    const path = points.map(([second, percent]) => `${atX(second)} ${atY(percent)}`).join(' ');
    parts.push(`<path class="curve ${look}" d="M${path}"/>`);
    const [second, percent] = labelAt;
    parts.push(textLabel({ x: atX(second), y: atY(percent), text: label, look: `${look}t`, size: 13, bold: true }));
  }
  return parts.join('\n');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
