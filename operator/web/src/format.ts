/** A duration in up to two units: `4 s`, `3 min 20 s`, `2 h 5 min`, `3 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 && seconds % 60 > 0 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return hours < 10 && minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.floor(hours / 24)} d`;
}

const grouped = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 });

/** A whole number in short form: `950`, `1.25K`. */
export const count = (value: number) => (value < 10_000 ? grouped.format(value) : short.format(value));

/** A share in whole percent. A share above zero is never shown as 0 %, and one below the whole never as 100 %. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const share = (100 * part) / whole;
  if (share > 0 && share < 1) return '< 1 %';
  if (share < 100 && share > 99) return '> 99 %';
  return `${Math.round(share)} %`;
}

/** Agents measure with a clock of 5 ms steps, so shorter latencies are not distinguished. */
export const COARSE_MS = 8;

/** A latency: `< 8 ms`, `120 ms`, `1.2 s`. */
export function latency(ms: number | undefined): string {
  if (ms === undefined) return '–';
  if (ms <= COARSE_MS) return `< ${COARSE_MS} ms`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  return `${Number((ms / 1_000).toPrecision(2))} s`;
}

/** Two latencies; a common unit appears once. */
export function latencies(a: number | undefined, b: number | undefined): string {
  if (a === undefined) return '–';
  const second = latency(b);
  if (latency(a) === second) return second;
  const first = second.endsWith(' ms') ? latency(a).replace(' ms', '') : `${Number((a / 1_000).toPrecision(2))}`;
  return `${a <= COARSE_MS ? `< ${COARSE_MS} ms` : first} / ${second}`;
}

export const plural = (amount: number, noun: string) => `${count(amount)} ${noun}${amount === 1 ? '' : 's'}`;

/** Converts a name such as `FailureRate` to `failure rate`. */
export const words = (reason: string) =>
  reason
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll(/[_-]/g, ' ')
    .toLowerCase();

/** The rate of calls in a window. */
export function callsPerSecond(calls: number, windowMs: number): string {
  const rate = (calls * 1_000) / windowMs;
  return `${rate >= 10 || rate === 0 ? count(rate) : Number(rate.toFixed(1))}/s`;
}

/** A time in the user's time zone. */
export function timeOfDay(seconds: number, exact = false): string {
  const second = exact ? ({ second: '2-digit' } as const) : {};
  return new Date(seconds * 1_000).toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit',
    ...second,
    hour12: false,
  });
}

/** Range of a plot below which its axis shows seconds. */
const EXACT_BELOW_S = 600;

/** The labels of an axis of times that shows a range of so many seconds. */
export const timeLabels = (times: readonly number[], rangeS: number): string[] =>
  times.map((one) => timeOfDay(one, rangeS < EXACT_BELOW_S));
