/** Returns a thenable as it is, because opossum keeps its identity, and wraps anything else in a promise. */
export function promiseOf(value: unknown): Promise<unknown> {
  const isThenable = typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function';
  return isThenable ? (value as Promise<unknown>) : Promise.resolve(value);
}
