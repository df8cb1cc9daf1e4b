/** Removes the oldest entries of a map until it holds at most `most`. */
export function dropOldest<K>(entries: Map<K, unknown>, most: number): void {
  if (entries.size > most) entries.delete(entries.keys().next().value!);
}
