import { offsetOf, type Zone, zoneOf } from './zone.ts';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const BRACKET = /^(\d\d)\/(\w{3})\/(\d{4}):(\d\d):(\d\d):(\d\d)(?:[.,](\d+))?(?: ([+-]\d\d:?\d\d))?$/;
const ISO = /^(\d{4})[-/](\d\d)[-/](\d\d)[T ](\d\d):(\d\d):(\d\d)(?:[.,](\d+))?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?$/;

/** Units of numeric times; `series` is milliseconds without a date. */
type Unit = 'series' | 's' | 'ms' | 'us' | 'ns';
const PER_MS: Record<Unit, number> = { series: 1, s: 0.001, ms: 1, us: 1000, ns: 1_000_000 };

/**
 * Parses the times of one file. `timezone` applies to times without a zone; the first number determines the unit of all
 * numbers.
 */
export class LogTime {
  readonly #zone: Zone;
  readonly #zoneGiven: boolean;
  #unit: Unit | undefined;
  #last = Number.NaN;
  #zoneless = false;
  #lastText = '';
  #lastTime = Number.NaN;

  /** @param timezone absent: UTC. */
  constructor(timezone: string | undefined) {
    this.#zone = zoneOf(timezone ?? 'UTC');
    this.#zoneGiven = timezone !== undefined;
  }

  /** Notes about the parsed times for the user. */
  notes(): string[] {
    const notes: string[] = [];
    if (this.#zoneless && !this.#zoneGiven)
      notes.push('Times have no zone and are taken as UTC; give another as the time zone.');
    if (this.#zone.wasAmbiguous)
      notes.push(
        'The clock was set within these times (daylight saving); an hour shown twice is told apart by the order of the lines.',
      );
    if (this.#unit === 'series') notes.push('Times are counted from the start of the series; the date is not known.');
    return notes;
  }

  /** Milliseconds since 1970, or since the start of a series; NaN for an invalid time. */
  parse(value: unknown): number {
    if (typeof value === 'number') return this.#number(value);
    if (typeof value !== 'string') return Number.NaN;
    if (value === this.#lastText) return this.#lastTime;
    const time = this.#text(value);
    // Cached, because logs with whole seconds repeat the same text.
    this.#lastText = value;
    this.#lastTime = time;
    return time;
  }

  #text(text: string): number {
    const iso = ISO.exec(text);
    if (iso) return this.#wall(iso, Number(iso[2]) - 1, iso[1]!, iso[3]!);
    const bracket = BRACKET.exec(text);
    if (bracket) return this.#wall(bracket, MONTHS.indexOf(bracket[2]!), bracket[3]!, bracket[1]!);
    return /^\d+(\.\d+)?$/.test(text) ? this.#number(Number(text)) : Number.NaN;
  }

  #wall(found: RegExpExecArray, month: number, year: string, day: string): number {
    if (month < 0) return Number.NaN;
    const [, , , , hour, minute, second, fraction, zone] = found;
    const ms = fraction === undefined ? 0 : Number(`0.${fraction}`) * 1000;
    const wall = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second)) + ms;
    if (zone !== undefined) return wall - (offsetOf(zone) ?? 0);
    this.#zoneless = true;
    this.#last = this.#zone.toUtc(wall, this.#last);
    return this.#last;
  }

  #number(value: number): number {
    if (!Number.isFinite(value)) return Number.NaN;
    this.#unit ??= value < 1e8 ? 'series' : value < 1e11 ? 's' : value < 1e14 ? 'ms' : value < 1e17 ? 'us' : 'ns';
    // Rounded, because fractional seconds lose their last digits in arithmetic.
    return this.#unit === 's' ? Math.round(value * 1e6) / 1e3 : value / PER_MS[this.#unit];
  }
}
