/** Controls, marks that turn the direction of text or take no room, separators of lines, and halves of characters. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * A text with everything in it made visible that could move a cursor, begin a line, or show other than what it says, as
 * JSON escapes it: a text inside JSON stays the same value.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** The same for every string in a value of JSON. A value without such a string is returned as it is. */
export function printableValue<T>(value: T): T {
  return clean(value) as T;
}

/** The form that `printable` gives a character. */
export function escaped(character: string): string {
  return [...Array(character.length).keys()]
    .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
    .join('');
}

function clean(value: unknown): unknown {
  if (typeof value === 'string') return printable(value);
  if (Array.isArray(value)) {
    const next = value.map(clean);
    return next.every((one, i) => one === value[i]) ? value : next;
  }
  if (typeof value !== 'object' || value === null) return value;
  let next: Record<string, unknown> | undefined;
  for (const [key, one] of Object.entries(value)) {
    const cleaned = clean(one);
    if (cleaned === one) continue;
    next ??= { ...value };
    next[key] = cleaned;
  }
  return next ?? value;
}
