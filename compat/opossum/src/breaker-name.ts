/** The name that policies match for breakers without one: a UUID would be new at each start. */
const UNNAMED = 'opossum';

const LONGEST = 128;

/**
 * The name that policies match for a breaker: characters that they cannot match (anything but letters, digits and
 * `._:/-`) become `-`. Absent or without any letter or digit: `opossum`.
 */
export function policyName(name: string | undefined): string {
  const usable = (name ?? '').replace(/[^A-Za-z0-9._:/-]+/g, '-').replace(/^[^A-Za-z0-9]+/, '');
  return usable.slice(0, LONGEST) || UNNAMED;
}

/** Shared by all copies of this package in a process, as the breakers are. */
const KEY = Symbol.for('fuseboard.opossum.places/1');

function places(): Map<string, Set<number>> {
  const holder = globalThis as { [KEY]?: Map<string, Set<number>> };
  holder[KEY] ??= new Map();
  return holder[KEY];
}

/** Takes the lowest free number, from 1, among the breakers of a name. */
export function claimPlace(name: string): number {
  const taken = places().get(name) ?? new Set();
  places().set(name, taken);
  let place = 1;
  while (taken.has(place)) place++;
  taken.add(place);
  return place;
}

/** Gives a number back. */
export function leavePlace(name: string, place: number): void {
  const taken = places().get(name);
  taken?.delete(place);
  if (taken?.size === 0) places().delete(name);
}
