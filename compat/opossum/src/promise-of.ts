/** A thenable as it is, for its identity may matter; anything else as a promise. */
export function promiseOf(value: unknown): Promise<unknown> {
  const isThenable = typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
  return isThenable ? (value as Promise<unknown>) : Promise.resolve(value);
}
