/** Is called when a signal aborted. */
interface Follower {
  abort(reason: unknown): void;
}

/** The followers of each signal: one listener for all, since those of an EventTarget are searched at each one more. */
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

  /** A combined signal lives as long as it has listeners. */
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
 * Calls back when a signal aborts. However many follow one signal, joining and leaving cost the same.
 *
 * @param signal not aborted yet.
 * @returns a function that ends it.
 */
export function onAbort(signal: AbortSignal, abort: (reason: unknown) => void): () => void {
  const follower = { abort };
  const source = follow(signal, follower);
  return () => source.delete(follower);
}

/** What lives as long as a signal whose call is over: its controller, and what it follows. */
const kept = new WeakMap<AbortSignal, { readonly controller: AbortController; readonly sources: readonly unknown[] }>();

/** Leaves what a signal followed once the signal was garbage-collected. */
const collected = new FinalizationRegistry<() => void>((leave) => leave());

/**
 * Calls back when a source aborts, for as long as somebody holds the signal. The registry holds the source weakly: the
 * reason of an abort, or a listener, often leads back to the signal, which would never be collected then.
 */
function onAbortWhileHeld(signal: AbortSignal, source: AbortSignal, abort: (reason: unknown) => void): void {
  const follower = { abort };
  const followedSource = new WeakRef(follow(source, follower));
  collected.register(signal, () => followedSource.deref()?.delete(follower));
}

/**
 * A signal that aborts with any of others, and by `abort`. Unlike what AbortSignal.any makes, it leaves nothing behind
 * at a signal that lives as long as the process, and follows a signal that is not the runtime's own.
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
   * The call is over. What it returned may still use the signal, to read the body of a response for example: it
   * continues for as long as somebody has it.
   *
   * @param sources as they were given.
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
