import type { Outcome } from '../core/classify.ts';
import { COUNTER } from '../core/counters.ts';
import type { Circuit } from './breaker-parts.ts';
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
const optedIn = new WeakSet<Circuit>();

/** @internal */
export function optIn(circuit: Circuit): void {
  optedIn.add(circuit.parent ?? circuit);
}

/** @internal */
export function hasOptedIn(circuit: Circuit): boolean {
  return optedIn.has(circuit.parent ?? circuit);
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
  circuit: Circuit,
  error: unknown,
  answers: FallbackOptions<F> | undefined,
): Promise<F> {
  if (answers?.fallback === undefined) {
    const answer = answers?.signal?.aborted ? undefined : policyAnswer(circuit, answers?.policyFallback);
    return answer === undefined ? Promise.reject(error) : Promise.resolve(answer.value);
  }
  try {
    return Promise.resolve(fallBack(circuit, error, answers.fallback, answers.signal));
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
  circuit: Circuit,
  attempt: Promise<T>,
  call: { readonly outcome: Outcome | undefined },
  answers: FallbackOptions<F>,
): Promise<T | F> {
  const { fallback, policyFallback, signal } = answers;
  if (fallback !== undefined) {
    return attempt.then<T | F, F>(
      (value) => {
        if (call.outcome === 'failure') return replaceResult(circuit, value, fallback, signal);
        if (call.outcome === 'success') rememberSuccess(circuit, policyFallback, value);
        return value;
      },
      (error) => fallBack(circuit, error, fallback, signal),
    );
  }
  return attempt.then<T | F, F>(
    (value) => {
      if (call.outcome === 'success') rememberSuccess(circuit, policyFallback, value);
      const answer = call.outcome === 'failure' ? policyAnswer(circuit, policyFallback) : undefined;
      if (answer === undefined) return value;
      discard(value);
      return answer.value;
    },
    (error) => {
      const mayAnswer = (call.outcome ?? 'failure') === 'failure' && !isCancelled(signal);
      const answer = mayAnswer ? policyAnswer(circuit, policyFallback) : undefined;
      if (answer === undefined) throw error;
      return answer.value;
    },
  );
}

function fallBack<F>(
  { core }: Circuit,
  error: unknown,
  fallback: Fallback<F>,
  signal: AbortSignal | undefined,
): F | PromiseLike<F> {
  core.count(COUNTER.fallback);
  return fallback(error, new UntimedContext(signal));
}

async function replaceResult<T, F>(
  circuit: Circuit,
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

function rememberSuccess(circuit: Circuit, policyFallback: PolicyFallback<unknown> | undefined, value: unknown): void {
  if (policyFallback === undefined || circuit.guards?.config.fallback?.type !== 'LastSuccess' || isResponse(value))
    return;
  const kept = policyFallback.copy === false ? value : copied(circuit, value);
  lastSuccessesOf(circuit).set(cacheKeyOf(circuit, policyFallback.key), kept, circuit.clock.now());
}

function policyAnswer<F>(
  circuit: Circuit,
  policyFallback: PolicyFallback<F> | undefined,
): { readonly value: F } | undefined {
  const { guards, core, clock, name } = circuit;
  const config = guards?.config.fallback;
  if (policyFallback === undefined || config === undefined) return undefined;
  try {
    if (config.type === 'Static') return countFallback(core, policyFallback.parse(JSON.parse(config.json)));
    const found = lastSuccessesOf(circuit).get(cacheKeyOf(circuit, policyFallback.key), clock.now(), config.maxAgeMs);
    if (found === undefined) return undefined;
    const value = policyFallback.copy === false ? found.value : copied(circuit, found.value);
    return countFallback(core, policyFallback.parse(value));
  } catch (error) {
    guards!.warnOnce(`the policy's fallback of breaker "${name}" cannot be used: ${String(error)}`);
    return undefined;
  }
}

function copied({ guards, name }: Circuit, value: unknown): unknown {
  if (isPlainData(value)) return structuredClone(value);
  guards!.warnOnce(
    `an answer of breaker "${name}" for LastSuccess is not plain data and cannot be copied: callers share it and must not change it. Return plain data, or set copy: false.`,
  );
  return value;
}

/** The answers of a breaker and all its keys, so that their number is bounded. */
function lastSuccessesOf(circuit: Circuit): LastSuccesses {
  return (circuit.parent ?? circuit).guards!.lastSuccesses;
}

/** The circuits of two keys answer each for itself. */
function cacheKeyOf({ key }: Circuit, answer: string): string {
  return JSON.stringify([key, answer]);
}

function countFallback<F>(core: Circuit['core'], value: F): { readonly value: F } {
  core.count(COUNTER.fallback);
  return { value };
}
