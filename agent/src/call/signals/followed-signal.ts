/** Called when a signal aborts. */
interface Follower {
  abort(reason: unknown): void;
}

/** The followers of each signal, with one listener for all: an EventTarget searches its listeners at each addition. */
const followed = new WeakMap<AbortSignal, FollowedSignal>();

class FollowedSignal {
  readonly #signal: AbortSignal;
  readonly #followers = new Set<Follower>();
  readonly #onAbort = (): void => {
    const followers = [...this.#followers];
    this.#followers.clear();
    this.#forget();
    for (const each of followers) each.abort(this.#signal.reason);
  };

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    followed.set(signal, this);
    signal.addEventListener('abort', this.#onAbort);
  }

  add(follower: Follower): void {
    this.#followers.add(follower);
  }

  delete(follower: Follower): void {
    if (this.#followers.delete(follower) && this.#followers.size === 0) this.#forget();
  }

  /** Removes the listener: a signal of AbortSignal.any is not collected while it has one. */
  #forget(): void {
    followed.delete(this.#signal);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

function follow(signal: AbortSignal, follower: Follower): FollowedSignal {
  const found = followed.get(signal) ?? new FollowedSignal(signal);
  found.add(follower);
  return found;
}

/**
 * Calls back when a signal aborts. The cost does not depend on the number of followers.
 *
 * @param signal not aborted yet.
 * @returns a function that ends the subscription.
 */
export function onAbort(signal: AbortSignal, abort: (reason: unknown) => void): () => void {
  const follower = { abort };
  const source = follow(signal, follower);
  return () => source.delete(follower);
}

/** Keeps the controller and the sources of a signal whose call is over alive as long as the signal. */
const kept = new WeakMap<AbortSignal, { readonly controller: AbortController; readonly sources: readonly unknown[] }>();

/** Ends the subscriptions of a signal that was garbage-collected. */
const collected = new FinalizationRegistry<() => void>((leave) => leave());

/**
 * Calls back when a source aborts, until the signal is garbage-collected. The registry references the source weakly: a
 * listener or the reason of an abort often references the signal, which would then never be collected.
 */
function onAbortWhileHeld(signal: AbortSignal, source: AbortSignal, abort: (reason: unknown) => void): void {
  const follower = { abort };
  const followedSource = new WeakRef(follow(source, follower));
  collected.register(signal, () => followedSource.deref()?.delete(follower));
}

/**
 * A signal that aborts with any of its sources, and by `abort`. Unlike AbortSignal.any, it leaves nothing in a source
 * that lives as long as the process, and it accepts signals of polyfills.
 */
export class FollowingSignal {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  #leave: (() => void)[] = [];

  /** @param sources absent ones are left out. */
  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    this.signal = this.#controller.signal;
    for (const source of sources) {
      if (source === undefined) continue;
      if (source.aborted) {
        this.abort(source.reason);
        return;
      }
      this.#leave.push(onAbort(source, (reason) => this.abort(reason)));
    }
  }

  abort(reason: unknown): void {
    this.#leaveAll();
    this.#controller.abort(reason);
  }

  /**
   * The call is over. Its result may still use the signal, for example to read the body of a response, so the signal
   * continues to follow its sources until it is garbage-collected.
   *
   * @param sources those of the constructor.
   */
  release(...sources: readonly (AbortSignal | undefined)[]): void {
    if (this.#leave.length === 0) return;
    this.#leaveAll();
    const { signal } = this;
    kept.set(signal, { controller: this.#controller, sources });
    const held = new WeakRef(signal);
    const abort = (reason: unknown) => abortHeld(held.deref(), reason);
    for (const source of sources) if (source !== undefined) onAbortWhileHeld(signal, source, abort);
  }

  #leaveAll(): void {
    for (const leave of this.#leave) leave();
    this.#leave = [];
  }
}

function abortHeld(signal: AbortSignal | undefined, reason: unknown): void {
  if (signal !== undefined) kept.get(signal)?.controller.abort(reason);
}
