/** Control characters, bidirectional and zero-width marks, line separators, and lone surrogates. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/**
 * Escapes, as JSON does, every character that could move the cursor, start a line or disguise text in a terminal. A
 * string inside a JSON text keeps its value.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, escaped);
}

/** Escapes every string in a JSON value. A value without unprintable characters is returned as is. */
export function printableValue<T>(value: T): T {
  return clean(value) as T;
}

/** The escape sequence of a character. */
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
