import type { CallConfig } from '../core/config/call-config.ts';
import type { Config } from '../core/config/config.ts';
import { AdaptiveTimeout } from '../core/layers/adaptive-timeout.ts';
import { Limiter } from '../core/layers/limiter.ts';
import { RetryBudget } from '../core/layers/retry.ts';
import { warnProcess } from '../errors/warnings.ts';
import { LastSuccesses } from './last-successes.ts';

/**
 * The layers of a breaker's calls: retry budget, limiter, adaptive timeout and last results. Created when a policy
 * first needs one of them, and kept from then on.
 */
export class CallLayers {
  readonly budget = new RetryBudget();
  /** Results of former calls for the policy's fallback. */
  readonly lastSuccesses = new LastSuccesses();
  #warned = false;
  #config: CallConfig;
  #limiter: Limiter | undefined;
  #adaptive: AdaptiveTimeout | undefined;

  constructor(config: CallConfig) {
    this.#config = config;
    this.#applyConfig();
  }

  get config(): CallConfig {
    return this.#config;
  }

  /** Absent: no limit. */
  get limiter(): Limiter | undefined {
    return this.#config.concurrency === undefined ? undefined : this.#limiter;
  }

  /** Absent: the time limit is fixed. */
  get adaptive(): AdaptiveTimeout | undefined {
    return this.#adaptive;
  }

  /** Counts an admitted call, which adds to the retry budget. */
  admitted(): void {
    const { retry } = this.#config;
    if (retry !== undefined) this.budget.admitted(retry.budgetPercent);
  }

  warnOnce(message: string): void {
    if (this.#warned) return;
    this.#warned = true;
    warnProcess(message, 'FUSEBOARD_FALLBACK');
  }

  /** Applies an edit. Running calls, waiting calls and measured durations are kept. */
  configure(config: CallConfig): void {
    this.#config = config;
    this.#applyConfig();
  }

  #applyConfig(): void {
    const { concurrency, adaptive } = this.#config;
    if (concurrency === undefined) this.#limiter?.resize(Number.POSITIVE_INFINITY, 0);
    else {
      this.#limiter ??= new Limiter(concurrency.maxConcurrent, concurrency.maxQueue);
      this.#limiter.resize(concurrency.maxConcurrent, concurrency.maxQueue, concurrency.adaptive);
    }
    if (adaptive === undefined) this.#adaptive = undefined;
    else this.#adaptive ??= new AdaptiveTimeout();
  }
}

/** The layers for a configuration; those that a circuit has already continue. */
export function callLayersFor(config: Config, before: CallLayers | undefined): CallLayers | undefined {
  const call = config.mode === 'Disabled' ? { perKey: config.call.perKey } : config.call;
  if (before !== undefined) {
    before.configure(call);
    return before;
  }
  const { adaptive, retry, concurrency, fallback } = call;
  const none = adaptive === undefined && retry === undefined && concurrency === undefined && fallback === undefined;
  return none ? undefined : new CallLayers(call);
}
