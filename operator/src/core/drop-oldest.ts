/** Removes the oldest entry of a map that holds more than `most`; to be called after each addition. */
export function dropOldest<K>(entries: Map<K, unknown>, most: number): void {
  if (entries.size > most) entries.delete(entries.keys().next().value!);
}
