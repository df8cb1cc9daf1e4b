/** Takes out of a map what came first, when it holds more than so many entries. */
export function dropOldest<K>(entries: Map<K, unknown>, most: number): void {
  if (entries.size > most) entries.delete(entries.keys().next().value!);
}
