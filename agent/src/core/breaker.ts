import { type Classify, classifyError, classifyResult, type Outcome } from './classify.ts';
import { type Clock, exactNow } from './clock.ts';
import type { Config } from './config.ts';
import { NO_GENERATION, Permit } from './permit.ts';
import type { Reason, State, StateRecord, TransitionEvent } from './state.ts';
import { Tally } from './tally.ts';
import { type Window, windowFor } from './window.ts';

/** Who hears of a change of state, once the state is consistent. Must not throw. */
export interface TransitionSink {
  transitioned(event: TransitionEvent): void;
}

/**
 * A circuit breaker without I/O, timers or a clock of its own: it decides from the configuration, the outcomes that it
 * is told and the time that it is given. Whatever lapses with time lapses when somebody looks.
 */
export class BreakerCore {
  readonly tally = new Tally();
  /** How many permits were given since the breaker was made. */
  permits = 0;
  /** The code's own judgement, which wins over the policy's. Must not throw. */
  classify: Classify | undefined = undefined;
  readonly #clock: Clock;
  readonly #sink: TransitionSink;
  #config: Config;
  #window: Window;
  #state: StateRecord;
  /** One more with each state entered and each new beginning; an outcome of an earlier one moves nothing. */
  #generation = 0;
  /** Failures since the last success, while closed. */
  #run = 0;
  /** Changes of state that nobody heard of yet. */
  #unheard: TransitionEvent[] | undefined;
  #telling = false;

  constructor(config: Config, clock: Clock, sink: TransitionSink) {
    this.#clock = clock;
    this.#sink = sink;
    this.#config = config;
    const now = exactNow(this.#clock);
    this.#window = windowFor(config, undefined, now);
    this.#state = { kind: 'closed', since: now };
  }

  get config(): Config {
    return this.#config;
  }

  /** The state now. */
  get state(): State {
    if (this.#state.kind !== 'closed') this.#look();
    return this.#state.kind;
  }

  /** How long the state has lasted, in milliseconds. */
  get sinceMs(): number {
    return Math.max(0, this.#look() - this.#state.since);
  }

  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  get retryAfterMs(): number {
    if (this.#state.kind === 'closed') return 0;
    const now = this.#look();
    return this.#state.kind === 'open' ? this.#openUntil(this.#state.since) - now : 0;
  }

  /** The same for a call that was rejected just now, without another reading of the exact clock. */
  get rejectedForMs(): number {
    return this.#state.kind === 'open' ? Math.max(0, this.#openUntil(this.#state.since) - this.#clock.now()) : 0;
  }

  /** Failures in a row, while closed. */
  get consecutiveFailures(): number {
    return this.#run;
  }

  /** The calls that the conditions look at. */
  get window(): { calls: number; failures: number } {
    this.#window.advance(this.#look());
    return { calls: this.#window.calls, failures: this.#window.failures };
  }

  /** Asks for leave to call. Whoever gets a permit settles it once; a rejection is `null` and is counted. */
  enter(): Permit | null {
    if (this.#state.kind === 'closed') return new Permit(this, this.#generation, this.#clock.now());
    const now = this.#lapse(exactNow(this.#clock));
    const permit = this.#enterGuarded(now);
    this.#tell();
    return permit;
  }

  #enterGuarded(now: number): Permit | null {
    const state = this.#state;
    if (state.kind === 'half-open' && state.probes.size < this.#config.maxProbes) {
      const probe = new Permit(this, this.#generation, now);
      state.probes.add(probe);
      return probe;
    }
    if (this.#config.mode === 'Shadow') {
      this.tally.shadowRejected++;
      return new Permit(this, NO_GENERATION, now);
    }
    this.tally.rejected++;
    return null;
  }

  /** How a call that returned this is judged. */
  judgeResult(result: unknown): Outcome {
    return this.classify?.({ result }) ?? classifyResult(this.#config.classification, result);
  }

  /** How a call that threw this is judged. */
  judgeError(error: unknown): Outcome {
    return this.classify?.({ error }) ?? classifyError(this.#config.classification, error);
  }

  /** Settles a permit by what the call returned, and says how that was judged. */
  settleResult(permit: Permit, result: unknown): Outcome {
    const outcome = this.judgeResult(result);
    this.settle(permit, outcome);
    return outcome;
  }

  /** Settles a permit by what the call threw, and says how that was judged. */
  settleError(permit: Permit, error: unknown): Outcome {
    const outcome = this.judgeError(error);
    this.settle(permit, outcome);
    return outcome;
  }

  /** The call of an unsettled permit begins only now: it waited before. */
  restart(permit: Permit): void {
    permit.startedAt = this.#clock.now();
  }

  /** Settles a permit; a second settling does nothing. */
  settle(permit: Permit, outcome: Outcome): void {
    if (permit.outcome !== undefined) return;
    permit.outcome = outcome;
    const now = this.#clock.now();
    const { tally } = this;
    tally.tookMs(now - permit.startedAt);
    if (outcome === 'success') tally.succeeded++;
    else if (outcome === 'failure') tally.failed++;
    else tally.ignored++;
    if (permit.generation !== this.#generation) return;
    if (this.#state.kind === 'closed') this.#settleClosed(outcome, now);
    else this.#settleProbe(permit, outcome);
    this.#tell();
  }

  #settleClosed(outcome: Outcome, now: number): void {
    if (this.#config.mode === 'Disabled') return;
    if (outcome === 'ignored') {
      this.#window.advance(now);
    } else {
      const failed = outcome === 'failure';
      this.#run = failed ? this.#run + 1 : 0;
      this.#window.record(now, failed);
    }
    const reason = this.#tripped();
    if (reason !== undefined) this.#transition({ kind: 'open', since: exactNow(this.#clock) }, reason);
  }

  #tripped(): Reason | undefined {
    const { consecutiveFailures, failureCount, failureRatePercent, minimumCalls } = this.#config;
    const { calls, failures } = this.#window;
    if (consecutiveFailures !== 0 && this.#run >= consecutiveFailures) return 'consecutive-failures';
    if (failureCount !== 0 && failures >= failureCount) return 'failure-count';
    if (failureRatePercent !== 0 && calls >= minimumCalls && failures * 100 >= failureRatePercent * calls) {
      return 'failure-rate';
    }
    return undefined;
  }

  #settleProbe(permit: Permit, outcome: Outcome): void {
    const now = this.#lapse(exactNow(this.#clock));
    const state = this.#state;
    if (state.kind !== 'half-open' || permit.generation !== this.#generation) return;
    state.probes.delete(permit);
    if (outcome === 'failure') {
      this.#transition({ kind: 'open', since: now }, 'probe-failed');
    } else if (outcome === 'success') {
      state.successes++;
      if (state.successes >= this.#config.successThreshold) {
        this.#transition({ kind: 'closed', since: now }, 'probe-succeeded');
      }
    }
  }

  /**
   * Puts the breaker under another configuration. State and samples stay, unless `reset` asks for a closed and empty
   * breaker. Disabled is always closed and empty, when it begins and when it ends.
   */
  configure(config: Config, reset: boolean): void {
    const now = this.#lapse(exactNow(this.#clock));
    const [before, after] = [this.#config.mode, config.mode];
    this.#config = config;
    this.#window = windowFor(config, this.#window, now);
    if (reset) this.#startAfresh(now, 'policy-reset');
    else if (before !== after && (before === 'Disabled' || after === 'Disabled')) {
      this.#startAfresh(now, 'policy-disabled');
    }
    this.#lapse(now, now);
    this.#tell();
  }

  #startAfresh(now: number, reason: Reason): void {
    if (this.#state.kind !== 'closed') {
      this.#transition({ kind: 'closed', since: now }, reason);
      return;
    }
    this.#generation++;
    this.#empty();
  }

  #empty(): void {
    this.#window.clear();
    this.#run = 0;
  }

  /** Lets lapse what has lapsed, tells, and returns the time. */
  #look(): number {
    const now = this.#lapse(exactNow(this.#clock));
    this.#tell();
    return now;
  }

  /**
   * Makes the changes of state that time alone brings up to `now`, each as of the moment at which it was due but not
   * before `notBefore`: an edit that shortens a time does not change what was.
   */
  #lapse(now: number, notBefore = Number.NEGATIVE_INFINITY): number {
    for (;;) {
      const state = this.#state;
      if (state.kind === 'closed') return now;
      if (state.kind === 'open') {
        const due = this.#openUntil(state.since);
        if (due > now) return now;
        const since = Math.max(due, notBefore);
        this.#transition({ kind: 'half-open', since, probes: new Set(), successes: 0 }, 'open-duration-over');
      } else {
        const [oldest] = state.probes;
        if (oldest === undefined) return now;
        const due = oldest.startedAt + this.#config.probeTimeoutMs;
        if (due > now) return now;
        this.#transition({ kind: 'open', since: Math.max(due, notBefore) }, 'probe-timeout');
      }
    }
  }

  #openUntil(since: number): number {
    return since + this.#config.openMs;
  }

  /** The only place where the state changes. */
  #transition(to: StateRecord, reason: Reason): void {
    const from = this.#state.kind;
    this.#state = to;
    this.#generation++;
    if (to.kind === 'closed') this.#empty();
    this.#unheard ??= [];
    this.#unheard.push({ from, to: to.kind, at: to.since, reason });
  }

  #tell(): void {
    const events = this.#unheard;
    if (events === undefined || this.#telling) return;
    this.#telling = true;
    // A listener that uses the breaker may add to the list; everybody hears everything in order.
    for (const event of events) this.#sink.transitioned(event);
    this.#unheard = undefined;
    this.#telling = false;
  }
}
