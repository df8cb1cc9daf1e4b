/**
 * Durations as the Gateway API spells them (GEP-2257): one to four groups of digits with a unit, `h`, `m`, `s` or `ms`,
 * for example `30s`, `1m30s`, `250ms`. Fuseboard accepts 1 ms to 24 h.
 */
export const DURATION_PATTERN = '^([0-9]{1,5}(h|m|s|ms)){1,4}$';

/** The shortest duration a policy may hold, in milliseconds. */
export const MIN_DURATION_MS = 1;

/** The longest duration a policy may hold, in milliseconds: 24 h. */
export const MAX_DURATION_MS = 86_400_000;

const UNIT_MS: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
const WHOLE = new RegExp(DURATION_PATTERN);

/**
 * Reads a duration such as `1m30s` into milliseconds.
 *
 * @returns the milliseconds, or `undefined` when the text is not a duration or lies outside 1 ms to 24 h.
 */
export function parseDuration(text: unknown): number | undefined {
  if (typeof text !== 'string' || !WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(h|ms|m|s)/g)) total += Number(digits) * UNIT_MS[unit!]!;
  return total >= MIN_DURATION_MS && total <= MAX_DURATION_MS ? total : undefined;
}

/** Writes milliseconds as the shortest duration text; fractions of a millisecond are rounded. */
export function formatDuration(ms: number): string {
  let rest = Math.max(0, Math.round(ms));
  if (rest === 0) return '0s';
  let text = '';
  for (const unit of ['h', 'm', 's', 'ms']) {
    const count = Math.floor(rest / UNIT_MS[unit]!);
    if (count > 0) text += `${count}${unit}`;
    rest -= count * UNIT_MS[unit]!;
  }
  return text;
}
