import type { Outcome } from '../core/classify.ts';
import { COUNTER } from '../core/counters.ts';
import type { BreakerParts } from './breaker-parts.ts';
import { type CallContext, UntimedContext } from './context.ts';
import type { LastSuccesses } from './last-successes.ts';
import { isPlainData } from './plain-data.ts';
import { discard, isResponse } from './response.ts';
import { isCancelled } from './signals/given-up.ts';

/** An answer in code. */
export type Fallback<F> = (error: unknown, context: CallContext) => F | PromiseLike<F>;

/** Permission for the policy's own fallback to answer. */
export interface PolicyFallback<F> {
  /**
   * The key under which LastSuccess stores answers. It must contain everything that the answer depends on, the user
   * included; otherwise one user gets the answer of another.
   */
  readonly key: string;
  /** Turns what the policy holds, or what a former call returned, into an answer. Where it throws, there is none. */
  readonly parse: (value: unknown) => F;
  /**
   * Whether stored answers, and each answer returned, are copies, so that a caller that changes its answer changes no
   * other's. Absent: true. Only plain data is copied (objects, lists, maps, sets, dates, typed arrays); an answer with
   * anything else in it is shared, which a process warning says.
   */
  readonly copy?: boolean | undefined;
}

/** Breakers of which some call let the policy's fallback answer, whether it has one or not. */
const optedIn = new WeakSet<BreakerParts>();

/** @internal */
export function optIn(breaker: BreakerParts): void {
  optedIn.add(breaker.parent ?? breaker);
}

/** @internal */
export function hasOptedIn(breaker: BreakerParts): boolean {
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
 * The end of a call that never began.
 *
 * @internal
 */
export function failOrFallBack<F>(
  breaker: BreakerParts,
  error: unknown,
  answers: FallbackOptions<F> | undefined,
): Promise<F> {
  if (answers?.fallback === undefined) {
    const answer = answers?.signal?.aborted ? undefined : policyAnswer(breaker, answers?.policyFallback);
    return answer === undefined ? Promise.reject(error) : Promise.resolve(answer.value);
  }
  try {
    return Promise.resolve(fallBack(breaker, error, answers.fallback, answers.signal));
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

/**
 * Puts an answer in the place of an error or of a failing result. The fallback in code answers whatever went wrong;
 * that of the policy, what was refused or counts as a failure.
 *
 * @param call its `outcome` is set once it has ended.
 *
 * @internal
 */
export function withFallback<T, F>(
  breaker: BreakerParts,
  attempt: Promise<T>,
  call: { readonly outcome: Outcome | undefined },
  answers: FallbackOptions<F>,
): Promise<T | F> {
  const { fallback, policyFallback, signal } = answers;
  if (fallback !== undefined) {
    return attempt.then<T | F, F>(
      (value) => {
        if (call.outcome === 'failure') return replaceResult(breaker, value, fallback, signal);
        if (call.outcome === 'success') rememberSuccess(breaker, policyFallback, value);
        return value;
      },
      (error) => fallBack(breaker, error, fallback, signal),
    );
  }
  return attempt.then<T | F, F>(
    (value) => {
      if (call.outcome === 'success') rememberSuccess(breaker, policyFallback, value);
      const answer = call.outcome === 'failure' ? policyAnswer(breaker, policyFallback) : undefined;
      if (answer === undefined) return value;
      discard(value);
      return answer.value;
    },
    (error) => {
      const mayAnswer = (call.outcome ?? 'failure') === 'failure' && !isCancelled(signal);
      const answer = mayAnswer ? policyAnswer(breaker, policyFallback) : undefined;
      if (answer === undefined) throw error;
      return answer.value;
    },
  );
}

function fallBack<F>(
  { circuit }: BreakerParts,
  error: unknown,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): F | PromiseLike<F> {
  circuit.count(COUNTER.fallback);
  return fallback(error, new UntimedContext(signal));
}

async function replaceResult<T, F>(
  breaker: BreakerParts,
  value: T,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): Promise<F> {
  let answer: unknown;
  try {
    answer = await fallBack(breaker, value, fallback, signal);
    return answer as F;
  } finally {
    if (answer !== value) discard(value);
  }
}

function rememberSuccess(
  breaker: BreakerParts,
  policyFallback: PolicyFallback<unknown> | undefined,
  value: unknown,
): void {
  if (policyFallback === undefined || breaker.guards?.config.fallback?.type !== 'LastSuccess' || isResponse(value))
    return;
  const kept = policyFallback.copy === false ? value : copied(breaker, value);
  lastSuccessesOf(breaker).set(cacheKeyOf(breaker, policyFallback.key), kept, breaker.clock.now());
}

function policyAnswer<F>(
  breaker: BreakerParts,
  policyFallback: PolicyFallback<F> | undefined,
): { readonly value: F } | undefined {
  const { guards, circuit, clock, name } = breaker;
  const config = guards?.config.fallback;
  if (policyFallback === undefined || config === undefined) return undefined;
  try {
    if (config.type === 'Static') return countFallback(circuit, policyFallback.parse(JSON.parse(config.json)));
    const found = lastSuccessesOf(breaker).get(cacheKeyOf(breaker, policyFallback.key), clock.now(), config.maxAgeMs);
    if (found === undefined) return undefined;
    const value = policyFallback.copy === false ? found.value : copied(breaker, found.value);
    return countFallback(circuit, policyFallback.parse(value));
  } catch (error) {
    guards!.warnOnce(`the policy's fallback of breaker "${name}" cannot be used: ${String(error)}`);
    return undefined;
  }
}

function copied({ guards, name }: BreakerParts, value: unknown): unknown {
  if (isPlainData(value)) return structuredClone(value);
  guards!.warnOnce(
    `an answer of breaker "${name}" for LastSuccess is not plain data and cannot be copied: callers share it and must not change it. Return plain data, or set copy: false.`,
  );
  return value;
}

/** The answers of a breaker and all its keys, so that their number is bounded. */
function lastSuccessesOf(breaker: BreakerParts): LastSuccesses {
  return (breaker.parent ?? breaker).guards!.lastSuccesses;
}

/** The circuits of two keys answer each for itself. */
function cacheKeyOf({ key }: BreakerParts, answer: string): string {
  return JSON.stringify([key, answer]);
}

function countFallback<F>(circuit: BreakerParts['circuit'], value: F): { readonly value: F } {
  circuit.count(COUNTER.fallback);
  return { value };
}
