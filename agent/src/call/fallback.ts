import type { Outcome } from '../core/classify.ts';
import { COUNTER } from '../core/counters.ts';
import type { CallBreaker } from './call-breaker.ts';
import { type CallContext, UntimedContext } from './context.ts';
import type { LastSuccesses } from './last-successes.ts';
import { isPlainData } from './plain-data.ts';
import { discard, isResponse } from './response.ts';
import { isCancelled } from './signals/given-up.ts';

/** A fallback in code: the answer in place of an error, or of a result that counts as a failure. */
export type Fallback<F> = (error: unknown, context: CallContext) => F | PromiseLike<F>;

/** Lets the fallback of the policy answer. */
export interface PolicyFallback<F> {
  /**
   * The key under which LastSuccess stores answers. It must contain everything that the answer depends on, the user
   * included; otherwise one user gets the answer of another.
   */
  readonly key: string;
  /** Turns the value in the policy, or an earlier result, into an answer. If it throws, there is no answer. */
  readonly parse: (value: unknown) => F;
  /**
   * Whether stored answers, and each answer returned, are copies, so that a caller that changes its answer changes no
   * other's. Absent: true. Only plain data is copied (objects, lists, maps, sets, dates, typed arrays); an answer with
   * anything else in it is shared, which a process warning says.
   */
  readonly copy?: boolean | undefined;
}

/** Breakers with at least one call that opted in to the fallback of the policy, whether the policy has one or not. */
const optedIn = new WeakSet<CallBreaker>();

/** @internal */
export function optIn(breaker: CallBreaker): void {
  optedIn.add(breaker.parent ?? breaker);
}

/** @internal */
export function hasOptedIn(breaker: CallBreaker): boolean {
  return optedIn.has(breaker.parent ?? breaker);
}

/**
 * The fallbacks that may answer instead of an error.
 *
 * @internal
 */
export interface FallbackOptions<F> {
  readonly fallback?: Fallback<F> | undefined;
  readonly policyFallback?: PolicyFallback<F> | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Ends a call whose function was not called, with the answer of a fallback or with the error.
 *
 * @internal
 */
export function failOrFallBack<F>(
  breaker: CallBreaker,
  error: unknown,
  fallbacks: FallbackOptions<F> | undefined,
): Promise<F> {
  if (fallbacks?.fallback === undefined) {
    const answer = fallbacks?.signal?.aborted ? undefined : policyAnswer(breaker, fallbacks?.policyFallback);
    return answer === undefined ? Promise.reject(error) : Promise.resolve(answer.value);
  }
  try {
    return Promise.resolve(fallBack(breaker.circuit, error, fallbacks.fallback, fallbacks.signal));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/**
 * Replaces an error, or a result that counts as a failure, with the answer of a fallback. A fallback in code answers
 * every error; that of the policy only rejections, refusals and failures.
 *
 * A fallback counts for the circuit of the call, even when a test has reset the breaker since.
 *
 * @param call its `outcome` is set once it has ended.
 *
 * @internal
 */
export function withFallback<T, F>(
  breaker: CallBreaker,
  attempt: Promise<T>,
  call: { readonly outcome: Outcome | undefined },
  fallbacks: FallbackOptions<F>,
): Promise<T | F> {
  const { fallback, policyFallback, signal } = fallbacks;
  const { circuit } = breaker;
  if (fallback !== undefined) {
    return attempt.then<T | F, F>(
      (value) => {
        if (call.outcome === 'failure') return replaceResult(circuit, value, fallback, signal);
        if (call.outcome === 'success') rememberSuccess(breaker, circuit, policyFallback, value);
        return value;
      },
      (error) => fallBack(circuit, error, fallback, signal),
    );
  }
  return attempt.then<T | F, F>(
    (value) => {
      if (call.outcome === 'success') rememberSuccess(breaker, circuit, policyFallback, value);
      const answer = call.outcome === 'failure' ? policyAnswer(breaker, policyFallback, circuit) : undefined;
      if (answer === undefined) return value;
      discard(value);
      return answer.value;
    },
    (error) => {
      const mayAnswer = (call.outcome ?? 'failure') === 'failure' && !isCancelled(signal);
      const answer = mayAnswer ? policyAnswer(breaker, policyFallback, circuit) : undefined;
      if (answer === undefined) throw error;
      return answer.value;
    },
  );
}

function fallBack<F>(
  circuit: CallBreaker['circuit'],
  error: unknown,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): F | PromiseLike<F> {
  circuit.count(COUNTER.fallback);
  return fallback(error, new UntimedContext(signal));
}

async function replaceResult<T, F>(
  circuit: CallBreaker['circuit'],
  value: T,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): Promise<F> {
  let answer: unknown;
  try {
    answer = await fallBack(circuit, value, fallback, signal);
    return answer as F;
  } finally {
    if (answer !== value) discard(value);
  }
}

function rememberSuccess(
  breaker: CallBreaker,
  circuit: CallBreaker['circuit'],
  policyFallback: PolicyFallback<unknown> | undefined,
  value: unknown,
): void {
  // A breaker that a test has reset since keeps no answer of the test before.
  if (circuit !== breaker.circuit) return;
  if (policyFallback === undefined || breaker.layers?.config.fallback?.type !== 'LastSuccess' || isResponse(value))
    return;
  const kept = policyFallback.copy === false ? value : copied(breaker, value);
  lastSuccessesOf(breaker).set(cacheKeyOf(breaker, policyFallback.key), kept, breaker.clock.now());
}

function policyAnswer<F>(
  breaker: CallBreaker,
  policyFallback: PolicyFallback<F> | undefined,
  circuit = breaker.circuit,
): { readonly value: F } | undefined {
  const { layers, clock, name } = breaker;
  const config = layers?.config.fallback;
  if (policyFallback === undefined || config === undefined) return undefined;
  try {
    if (config.type === 'Static') return countFallback(circuit, policyFallback.parse(JSON.parse(config.json)));
    const found = lastSuccessesOf(breaker).get(cacheKeyOf(breaker, policyFallback.key), clock.now(), config.maxAgeMs);
    if (found === undefined) return undefined;
    const value = policyFallback.copy === false ? found.value : copied(breaker, found.value);
    return countFallback(circuit, policyFallback.parse(value));
  } catch (error) {
    layers!.warnOnce(`the policy's fallback of breaker "${name}" cannot be used: ${String(error)}`);
    return undefined;
  }
}

function copied({ layers, name }: CallBreaker, value: unknown): unknown {
  if (isPlainData(value)) return structuredClone(value);
  layers!.warnOnce(
    `an answer of breaker "${name}" for LastSuccess is not plain data and cannot be copied: callers share it and must not change it. Return plain data, or set copy: false.`,
  );
  return value;
}

/** The answers of a breaker and all its keys, so that their number is bounded. */
function lastSuccessesOf(breaker: CallBreaker): LastSuccesses {
  return (breaker.parent ?? breaker).layers!.lastSuccesses;
}

/** Contains the key of the circuit, so that one key never gets an answer of another. */
function cacheKeyOf({ key }: CallBreaker, answer: string): string {
  return JSON.stringify([key, answer]);
}

function countFallback<F>(circuit: CallBreaker['circuit'], value: F): { readonly value: F } {
  circuit.count(COUNTER.fallback);
  return { value };
}
