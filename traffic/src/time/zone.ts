import { ReadError } from '../read-error.ts';

/** Converts wall-clock times of a zone to UTC in milliseconds; an ambiguous time is resolved by the previous one. */
export interface Zone {
  /** @param wall the wall-clock time as if it were UTC. @param last the previous result, NaN at first. */
  toUtc(wall: number, last: number): number;
  /** Whether an ambiguous or non-existent wall-clock time occurred, because the clock was changed. */
  readonly wasAmbiguous: boolean;
}

/**
 * @param name `UTC`, an offset such as `+02:00`, or a name such as `Europe/Berlin`. @throws ReadError on another name.
 */
export function zoneOf(name: string): Zone {
  const fixed = name === 'UTC' || name === 'Z' ? 0 : offsetOf(name);
  if (fixed !== undefined) return { toUtc: (wall) => wall - fixed, wasAmbiguous: false };
  return new NamedZone(name);
}

/** Milliseconds of an offset such as `+0200` or `-05:30`; undefined for any other text. */
export function offsetOf(text: string): number | undefined {
  const found = /^([+-])(\d\d):?(\d\d)$/.exec(text);
  if (!found) return undefined;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3])) * 60_000;
}

const QUARTER = 900_000;
const HALF_DAY = 43_200_000;

class NamedZone implements Zone {
  readonly #format: Intl.DateTimeFormat;
  readonly #offsets = new Map<number, number>();
  wasAmbiguous = false;

  constructor(name: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', { timeZone: name, timeZoneName: 'longOffset' });
    } catch {
      throw new ReadError(
        `"${name}" is no time zone; give an offset such as +02:00, UTC, or a name such as Europe/Berlin`,
      );
    }
  }

  toUtc(wall: number, last: number): number {
    const before = this.#offset(wall - HALF_DAY);
    const after = this.#offset(wall + HALF_DAY);
    if (before === after) return wall - before;
    const fits = [before, after].filter((offset) => this.#offset(wall - offset) === offset);
    if (fits.length === 1) return wall - fits[0]!;
    // Such a time exists twice in autumn and never in spring. Lines are in order, so the one nearest to the last is
    // chosen.
    this.wasAmbiguous = true;
    const [first, second] = [wall - before, wall - after].sort((a, b) => a - b) as [number, number];
    return second - last < last - first || last > first + QUARTER ? second : first;
  }

  #offset(utc: number): number {
    const at = Math.floor(utc / QUARTER);
    const known = this.#offsets.get(at);
    if (known !== undefined) return known;
    if (this.#offsets.size > 10_000) this.#offsets.clear();
    const part = this.#format.formatToParts(at * QUARTER).find(({ type }) => type === 'timeZoneName');
    const offset = offsetOf((part?.value ?? '').replace('GMT', '')) ?? 0;
    this.#offsets.set(at, offset);
    return offset;
  }
}
