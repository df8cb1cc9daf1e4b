const { then } = Promise.prototype;

/**
 * Calls one of two functions, exactly once. A promise with its own `then` could call back twice, when the reused
 * functions already serve another call.
 */
export function thenOnce<T, A, B>(
  promise: Promise<T>,
  returned: (value: T) => A,
  threw: (error: unknown) => B,
): Promise<Awaited<A> | Awaited<B>> {
  const native = promise.then === then ? promise : new Promise<T>((resolve) => resolve(promise));
  return native.then(returned, threw) as Promise<Awaited<A> | Awaited<B>>;
}
