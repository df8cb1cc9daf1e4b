import { isFuseboardError } from '../../agent/src/errors/errors.ts';
import type { TestBreaker } from '../../agent/src/testing/testing.ts';
import { errorOf, type Outcome, responseOf } from './outcome.ts';

interface Call {
  attempts: number;
  readonly running: ((outcome: Outcome) => void)[];
  readonly caller: AbortController;
}

/** Calls that last, made by `execute`. Their functions do not listen to their signal. */
export class CallRunner {
  readonly #calls = new Map<number, Call>();
  #ended: [number, unknown][] = [];

  get isUsed(): boolean {
    return this.#calls.size > 0;
  }

  async begin(id: number, breaker: TestBreaker, options: { fallback?: string; key?: string }): Promise<number> {
    const call: Call = { attempts: 0, running: [], caller: new AbortController() };
    const results = new Set<unknown>();
    this.#calls.set(id, call);
    const fn = () => {
      call.attempts++;
      return new Promise<unknown>((resolve, reject) => {
        call.running.push((outcome) => {
          const response = responseOf(outcome);
          if (outcome === 'ignored') reject(call.caller.signal.reason);
          else if (outcome === 'success' || response !== undefined) {
            const value = response ?? 'fine';
            results.add(value);
            resolve(value);
          } else reject(errorOf(outcome));
        });
      });
    };
    const { fallback, key } = options;
    breaker
      .execute<unknown, unknown>(fn, {
        signal: call.caller.signal,
        ...(fallback === undefined ? {} : { fallback: () => fallback }),
        ...(key === undefined ? {} : { policyFallback: { key, parse: (value: unknown) => value } }),
      })
      .then(
        (value) => this.#end(id, results.has(value) ? 'returned' : { answer: value }),
        (error) => {
          const { aborted, reason } = call.caller.signal;
          this.#end(id, isFuseboardError(error) ? error.code : aborted && error === reason ? 'given-up' : 'failed');
        },
      );
    await this.settle();
    return call.attempts;
  }

  async finish(id: number, outcome: Outcome): Promise<number | undefined> {
    const call = this.#calls.get(id);
    if (call === undefined) return undefined;
    call.running.shift()?.(outcome);
    await this.settle();
    return call.attempts;
  }

  /** The caller gives up, which ends what it waits for. */
  async abort(id: number): Promise<undefined> {
    const call = this.#calls.get(id);
    if (call === undefined) return;
    call.caller.abort();
    for (const end of call.running.splice(0)) end('ignored');
    await this.settle();
  }

  /** What the calls came to that ended since this was last asked. */
  ended(): unknown {
    const ended = this.#ended.sort(([a], [b]) => a - b);
    this.#ended = [];
    return ended;
  }

  #end(id: number, end: unknown): void {
    this.#ended.push([id, end]);
  }

  /** Lets every promise that can settle do so. */
  settle(): Promise<undefined> {
    return new Promise((resolve) => setImmediate(() => resolve(undefined)));
  }
}
