/** The time ranges of a plot, and their lengths. */
export const RANGE_MS = { '5m': 300_000, '1h': 3_600_000, '24h': 86_400_000 } as const;
export type Range = keyof typeof RANGE_MS;
export const RANGES = Object.keys(RANGE_MS) as readonly Range[];

/** A part of a range, in milliseconds since 1970. */
export interface Zoom {
  readonly from: number;
  readonly until: number;
}

/** The shortest part that can be shown. */
export const LEAST_MS = 10_000;

/** Reads `FROM-UNTIL`; undefined when it is not a span of time. */
export function readZoom(text: string | null): Zoom | undefined {
  const found = /^(\d{1,15})-(\d{1,15})$/.exec(text ?? '');
  if (found === null) return undefined;
  const [from, until] = [Number(found[1]), Number(found[2])];
  return until - from >= LEAST_MS ? { from, until } : undefined;
}

export const writeZoom = ({ from, until }: Zoom) => `${Math.round(from)}-${Math.round(until)}`;

/** Changes the shown part: moves it by half its length, or makes it half as long around its middle. */
export function moved({ from, until }: Zoom, way: 'earlier' | 'later' | 'closer'): Zoom {
  const half = (until - from) / 2;
  if (way === 'earlier') return { from: from - half, until: until - half };
  if (way === 'later') return { from: from + half, until: until + half };
  return until - from < 2 * LEAST_MS ? { from, until } : { from: from + half / 2, until: until - half / 2 };
}
