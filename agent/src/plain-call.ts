import { type Call, UntimedContext } from './context.ts';
import type { BreakerCore } from './core/breaker.ts';
import { NO_GENERATION, Permit } from './core/permit.ts';
import { Rejection } from './rejection.ts';

/** How many ended calls are kept for use. */
const MOST_KEPT = 1_000;

let kept: PlainCall | undefined;
let keptCount = 0;

/**
 * What follows one call at a time: its permit, and what its promise calls back. Making these anew for each call costs more than
 * all else that a breaker does.
 */
class PlainCall {
  readonly permit: Permit;
  signal: AbortSignal | undefined = undefined;
  next: PlainCall | undefined = undefined;
  readonly returned = <T>(value: T): T => {
    const { permit } = this;
    permit.core.settleResult(permit, value);
    this.keep();
    return value;
  };
  readonly threw = (error: unknown): Rejection => {
    this.settleThrown(error);
    return new Rejection(error);
  };

  constructor(core: BreakerCore) {
    this.permit = new Permit(core, NO_GENERATION, 0);
  }

  settleThrown(error: unknown): void {
    const { permit, signal } = this;
    if (signal?.aborted) permit.ignore();
    else permit.core.settleError(permit, error);
    this.keep();
  }

  keep(): void {
    this.signal = undefined;
    if (keptCount >= MOST_KEPT) return;
    keptCount++;
    this.next = kept;
    kept = this;
  }
}

function take(core: BreakerCore): PlainCall {
  const call = kept;
  if (call === undefined) return new PlainCall(core);
  kept = call.next;
  keptCount--;
  return call;
}

const nativeThen = Promise.prototype.then;

/**
 * Makes a call with nothing around it but the breaker; undefined is a rejection.
 *
 * @internal
 */
export function callPlainly<T>(
  core: BreakerCore,
  fn: Call<T>,
  signal: AbortSignal | undefined,
): Promise<T> | undefined {
  const call = take(core);
  if (core.enter(call.permit) === null) {
    call.keep();
    return undefined;
  }
  call.signal = signal;
  try {
    const promise = Promise.resolve(fn(new UntimedContext(signal)));
    // A promise with a method of its own may call back twice, when the second call is somebody else's.
    const once = promise.then === nativeThen ? promise : new Promise<T>((resolve) => resolve(promise));
    return once.then<T, never>(call.returned, call.threw as (error: unknown) => PromiseLike<never>);
  } catch (error) {
    call.settleThrown(error);
    return Promise.reject(error);
  }
}
