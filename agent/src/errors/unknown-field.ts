/** The largest edit distance of a suggestion. */
const MAX_DISTANCE = 3;

/**
 * The sentence for a field that does not exist.
 *
 * @param where what the field was given to, such as `getBreaker of breaker "payments"`.
 * @param known the fields that exist there.
 * @param aliases other words for them, each with the field that is meant.
 */
export function unknownField(
  where: string,
  field: string,
  known: readonly string[],
  aliases: Readonly<Record<string, string>> = {},
): string {
  const nearestWord = nearest(field, [...known, ...Object.keys(aliases)]);
  const meant = nearestWord === undefined ? undefined : (aliases[nearestWord] ?? nearestWord);
  const hint = meant === undefined ? `it has ${known.join(', ')}` : `did you mean ${meant}?`;
  return `${where} has no field ${JSON.stringify(field.slice(0, 64))}; ${hint}`;
}

function nearest(field: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Math.min(MAX_DISTANCE, Math.ceil(field.length / 2)) + 1;
  for (const each of known) {
    const distance = distanceOf(field.slice(0, 64).toLowerCase(), each.toLowerCase());
    if (distance >= least) continue;
    least = distance;
    best = each;
  }
  return best;
}

/** How many letters have to be added, removed or replaced (V. Levenshtein, 1966). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}
