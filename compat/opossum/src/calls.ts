import { isFuseboardError, type Permit } from '@fuseboard/agent';
import type Declared from '../types/index.cjs';
import type { Announcer } from './announcer.ts';
import type { CallMemory } from './call-memory.ts';
import { isOurError, openBreaker, semaphoreLocked, timedOut } from './errors.ts';
import type { Settings } from './options.ts';
import { promiseOf } from './promise-of.ts';
import type { Status } from './status.ts';
import type { SteeredBreaker } from './steered-breaker.ts';

export type Action = (...args: unknown[]) => unknown;

/** What calls are made with. */
export interface Environment {
  readonly action: Action;
  readonly options: Settings;
  readonly semaphore: Declared.Semaphore;
  readonly status: Status;
  readonly breaker: SteeredBreaker;
  readonly memory: CallMemory;
  readonly announcer: Announcer;
  /** A call was let through. */
  began(): void;
  /** A call failed while the options apply. */
  failed(): void;
}

/** One call of `fire`. */
interface Fired {
  readonly context: unknown;
  readonly args: unknown[];
  readonly key: string | undefined;
  /** When it began, in milliseconds. */
  readonly startedAt: number;
  /** The permit to settle with the outcome. Absent: the breaker judges the outcome itself. */
  readonly permit: Permit | undefined;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** Carries a filtered error through a breaker that must count a success. */
class Filtered {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

/** Makes the calls of one breaker, and translates their outcomes into the statistics, events and errors of opossum. */
export class Calls {
  fallback: Action | undefined;
  readonly #around: Environment;

  constructor(around: Environment) {
    this.#around = around;
  }

  /** Calls the action through the breaker. @param key what it is kept and shared by; absent: it is neither. */
  make(context: unknown, args: unknown[], key: string | undefined): Promise<unknown> {
    const { breaker, memory } = this.#around;
    let permit: Permit | null | undefined;
    if (!breaker.isGoverned()) {
      permit = breaker.enter();
      if (permit === null) return this.#rejected(args, openBreaker());
    }
    const call = new Promise((resolve, reject) => {
      const startedAt = performance.now();
      const fired: Fired = { context, args, key, startedAt, permit: permit ?? undefined, resolve, reject };
      if (permit === undefined) this.#runByPolicy(fired);
      else this.#runByOptions(fired);
    });
    memory.share(key, call);
    return call;
  }

  /** The policy's retries, concurrency limit, time limit and classification apply instead of the options. */
  #runByPolicy(fired: Fired): void {
    const { breaker, action, began } = this.#around;
    const { context, args } = fired;
    let thrown: unknown = fired;
    const attempt = async (): Promise<unknown> => {
      began();
      try {
        return await action.apply(context, args);
      } catch (error) {
        if (this.#isFiltered(error, args)) return new Filtered(error);
        thrown = error;
        throw error;
      }
    };
    const succeeded = (result: unknown): void => {
      if (result instanceof Filtered) this.#threw(fired, result.error, true);
      else this.#succeeded(fired, result);
    };
    const failed = (error: unknown): void => {
      if (error === thrown) this.#threw(fired, error, false);
      else this.#refused(fired, error);
    };
    breaker.execute(attempt).then(succeeded, failed);
  }

  /** Translates an error of the agent: a rejection, a time limit or a concurrency limit. */
  #refused(fired: Fired, error: unknown): void {
    if (isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')) {
      this.#expired(fired, timedOut(latencyOf(fired), error));
    } else if (isFuseboardError(error, 'ERR_FUSEBOARD_OPEN')) {
      this.#around.memory.unshare(fired.key);
      fired.resolve(this.#rejected(fired.args, openBreaker(error)));
    } else this.#locked(fired, semaphoreLocked(error));
  }

  /** The time limit and the capacity of the options apply. */
  #runByOptions(fired: Fired): void {
    const { action, options, semaphore, began } = this.#around;
    const { timeout } = options;
    began();
    if (!semaphore.test()) {
      this.#locked(fired, semaphoreLocked());
      return;
    }
    let isOver = false;
    const end = (): boolean => {
      if (isOver) return false;
      isOver = true;
      clearTimeout(timer);
      return true;
    };
    const expire = (): void => {
      end();
      semaphore.release();
      this.#expired(fired, timedOut(timeout as number));
    };
    const succeed = (result: unknown): void => {
      if (!end()) return;
      this.#succeeded(fired, result);
      semaphore.release();
    };
    const fail = (error: unknown): void => {
      if (!end()) return;
      semaphore.release();
      this.#threw(fired, error, this.#isFiltered(error, fired.args));
    };
    const timer = timeout ? setTimeout(expire, timeout) : undefined;
    try {
      promiseOf(action.apply(fired.context, fired.args)).then(succeed, fail);
    } catch (error) {
      fail(error);
    }
  }

  #succeeded(fired: Fired, result: unknown): void {
    const { status, announcer, memory } = this.#around;
    const latency = latencyOf(fired);
    status.increment('successes', latency);
    fired.permit?.succeed();
    announcer.tell('success', result, latency);
    memory.unshare(fired.key, 'success');
    fired.resolve(result);
    memory.keep(fired.key, Promise.resolve(result));
  }

  #threw(fired: Fired, error: unknown, isFiltered: boolean): void {
    this.#fails(fired, error, isFiltered);
    this.#around.memory.unshare(fired.key, 'error');
  }

  #expired(fired: Fired, error: Error): void {
    const { status, announcer, memory, options } = this.#around;
    const latency = latencyOf(fired);
    status.increment('timeouts', latency);
    announcer.tell('timeout', error, latency, fired.args);
    this.#fails(fired, error, this.#isFiltered(error, fired.args));
    memory.unshare(fired.key, 'timeout');
    options.abortController?.abort();
  }

  #locked(fired: Fired, error: Error): void {
    const { announcer, memory } = this.#around;
    announcer.tell('semaphoreLocked', error, latencyOf(fired));
    this.#fails(fired, error, this.#isFiltered(error, fired.args));
    memory.unshare(fired.key);
  }

  #rejected(args: unknown[], error: Error): Promise<unknown> {
    this.#around.announcer.tell('reject', error);
    return this.#answer(args, error) ?? Promise.reject(error);
  }

  #fails(fired: Fired, error: unknown, isFiltered: boolean): void {
    const { status, announcer } = this.#around;
    const { args, permit } = fired;
    const latency = latencyOf(fired);
    if (isFiltered) {
      status.increment('successes', latency);
      permit?.succeed();
      announcer.tell('success', error, latency);
      fired.reject(error);
      return;
    }
    status.increment('failures', latency);
    announcer.tell('failure', error, latency, args);
    if (permit !== undefined) this.#settle(permit, error);
    const answer = this.#answer(args, error);
    if (answer === undefined) fired.reject(error);
    else fired.resolve(answer);
  }

  /**
   * A call refused by `capacity` says nothing about the dependency, so it is ignored; while half-open it counts as a
   * failed probe, as in opossum.
   */
  #settle(permit: Permit, error: unknown): void {
    const { breaker, failed } = this.#around;
    const isRejection = isOurError(error) && (error as { code?: unknown }).code === 'ESEMLOCKED';
    if (isRejection && breaker.state() !== 'half-open') permit.ignore();
    else permit.fail();
    failed();
  }

  #answer(args: unknown[], error: unknown): Promise<unknown> | undefined {
    const { fallback } = this;
    if (fallback === undefined) return undefined;
    try {
      const answer = fallback.apply(fallback, [...args, error]);
      this.#around.announcer.tell('fallback', answer, error);
      return promiseOf(answer);
    } catch (thrown) {
      return Promise.reject(thrown);
    }
  }

  #isFiltered(error: unknown, args: unknown[]): boolean {
    try {
      return Boolean(this.#around.options.errorFilter(error, ...args));
    } catch (thrown) {
      this.#around.announcer.warn('errorFilter', thrown);
      return false;
    }
  }
}

/** How long a call has taken, in whole milliseconds. */
function latencyOf({ startedAt }: Fired): number {
  return Math.round(performance.now() - startedAt);
}
