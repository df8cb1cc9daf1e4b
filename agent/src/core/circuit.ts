import { TRIP_CONDITIONS } from '@fuseboard/schema/trip-conditions';
import type { Totals } from '@fuseboard/schema/types';
import { CircuitPermit, NO_GENERATION } from './circuit-permit.ts';
import { type Classify, classifyError, classifyResult, type Outcome } from './classify.ts';
import { type Clock, type Environment, exactNow } from './clock.ts';
import type { Config } from './config/config.ts';
import { COUNTER, type Counter, counterSlab, increment, latencyOf, totalsOf } from './counters.ts';
import { type ForcedState, forcedDetail, type OverrideRef } from './forced-state.ts';
import {
  beginHalfOpen,
  canProbe,
  type Decision,
  evaluateProbes,
  isRampOver,
  rampAdmits,
  recordProbe,
} from './half-open.ts';
import { callObservers } from './observers/call-observer.ts';
import { openTimeMs } from './open-time.ts';
import { type LastError, lastErrorOf } from './outcomes/last-error.ts';
import { addPending, notifyPending } from './pending-events.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Closed, Open, Probing, Reason, State, StateRecord, TransitionEvent } from './state.ts';
import { trippedByNumber, trippedByRate } from './trip.ts';
import { latencyBucket } from './windows/histogram.ts';
import { InFlight } from './windows/in-flight.ts';
import { type Window, windowFor } from './windows/window.ts';

/** What a circuit needs from its owner, and who is notified of its changes of state. */
export interface Host extends Environment {
  /** The name of the breaker. Absent: its calls are not recorded. */
  readonly name?: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key?: string | undefined;
  /** Is called for a change of state, once the state is consistent. Must not throw. */
  transitioned(event: TransitionEvent): void;
}

/** The record of a breaker that was open or forced. */
interface History {
  /** The state that it is forced into now. */
  readonly forced: ForcedState | undefined;
  /** How many times in a row the circuit had opened before it last did. */
  readonly reopenings: number;
  /** How long it last was open; 0 before that. */
  readonly lastOpenMs: number;
}

/** What a forced open state leaves in `reopenings`, so that `#open`, which adds 1, numbers the next opening 0. */
const NOT_AN_OPENING = -1;

const NO_HISTORY: History = { forced: undefined, reopenings: 0, lastOpenMs: 0 };

/** The last failure of each breaker that has had one since it closed. */
const lastErrors = new WeakMap<Circuit, LastError>();

/** Breakers that are made within a millisecond share the record of it. */
let newestClosed: Closed = { kind: 'closed', since: Number.NEGATIVE_INFINITY };

function closedSince(now: number): Closed {
  const ageMs = now - newestClosed.since;
  if (!(ageMs >= 0 && ageMs < 1)) newestClosed = { kind: 'closed', since: now };
  return newestClosed;
}

/**
 * The state machine of a breaker, without I/O, timers or a clock of its own: it decides from the configuration, the
 * recorded outcomes and the time that it is given. State that depends on time is brought up to date when it is read.
 * There may be very many circuits, so each is small: what only some of them need is kept outside of it, and so is what
 * is needed only during a call.
 */
export class Circuit {
  /** Number of permits since the circuit was made. */
  permits = 0;
  /** The classifier that code gave, which wins over the policy's. Must not throw. */
  classify: Classify | undefined = undefined;
  readonly #host: Host;
  readonly #clock: Clock;
  /** Where in its page of counters the row of this breaker begins: few circuits share this number. */
  readonly slot: number;
  readonly #counters: Int32Array;
  #config: Config;
  #window: Window;
  /** Only where slow calls count. */
  #inFlight: InFlight | undefined;
  #state: StateRecord;
  #history = NO_HISTORY;
  /** Grows by one with each state entered and each reset; outcomes of an earlier generation change no state. */
  #generation = 0;
  /** Failures since the last success. */
  #consecutiveFailures = 0;

  constructor(config: Config, host: Host) {
    const { clock } = host;
    const { page, at } = counterSlab.take();
    const now = exactNow(clock);
    this.#host = host;
    this.#clock = clock;
    this.#counters = page;
    this.slot = at;
    this.#config = config;
    this.#window = windowFor(config, undefined, now);
    this.#inFlight = countsSlow(config) ? new InFlight(config.slowMs, now) : undefined;
    this.#state = closedSince(now);
  }

  get config(): Config {
    return this.#config;
  }

  /** The state now. */
  get state(): State {
    if (this.#state.kind !== 'closed') this.#updateToNow();
    return this.#state.kind;
  }

  /** How long the state has lasted, in milliseconds. */
  get sinceMs(): number {
    return Math.max(0, this.#updateToNow() - this.#state.since);
  }

  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  get retryAfterMs(): number {
    if (this.#state.kind === 'closed') return 0;
    const now = this.#updateToNow();
    return this.#state.kind === 'open' ? this.#state.until - now : 0;
  }

  /** `retryAfterMs` for a call that was rejected just now, without another reading of the exact clock. */
  get rejectedForMs(): number {
    return this.#state.kind === 'open' ? Math.max(0, this.#state.until - this.#clock.now()) : 0;
  }

  /** Failures since the last success. Kept while open; 0 after a close or a reset. */
  get consecutiveFailures(): number {
    return this.#consecutiveFailures;
  }

  /** The last failure; absent where there was none since the circuit last closed, or where it is not known. */
  get lastError(): LastError | undefined {
    return lastErrors.get(this);
  }

  /** The counters since the breaker was made; they never decrease. */
  totals(): Totals {
    return totalsOf({ page: this.#counters, at: this.slot });
  }

  /** How many calls took how long; see `latencyBucket`. */
  latency(): number[] {
    return latencyOf({ page: this.#counters, at: this.slot });
  }

  /** Counts one more. */
  count(counter: Counter): void {
    increment(this.#counters, this.slot + counter);
  }

  /** The calls that the conditions look at. */
  get window(): { calls: number; failures: number; slow: number } {
    this.#window.advance(this.#updateToNow());
    const { calls, failures, slow } = this.#window;
    return { calls, failures, slow };
  }

  /** The state that the breaker is forced into, and how long that still lasts. */
  get forced(): (Omit<ForcedState, 'until'> & { endsInMs: number }) | undefined {
    const now = this.#updateToNow();
    if (this.#history.forced === undefined) return undefined;
    const { until, ...forced } = this.#history.forced;
    return { ...forced, endsInMs: until - now };
  }

  #setForced(forced: ForcedState | undefined): void {
    this.#history = { ...this.#history, forced };
  }

  /**
   * Asks for permission for one call. Whoever gets a permit settles it once; a rejection is `null` and is counted.
   *
   * @param used a settled permit without other references, which is given again unless the call is a probe. Absent: a
   *   new one.
   */
  enter(used?: CircuitPermit): CircuitPermit | null {
    const state = this.#state;
    if (state.kind === 'closed') {
      const now = this.#clock.now();
      const inFlight = this.#inFlight;
      if (inFlight !== undefined) {
        if (now >= inFlight.nextEvaluationAt) return this.#enterGeneral(now, used);
        inFlight.begin(now);
      }
      return this.#permit(used, now);
    }
    const now = exactNow(this.#clock);
    if (state.kind === 'open' && now < state.until) return this.#reject(now, used);
    return this.#enterGeneral(this.#expireDeadlines(now), used);
  }

  #enterGeneral(now: number, used: CircuitPermit | undefined): CircuitPermit | null {
    if (this.#inFlight !== undefined) this.#evaluateOverdue(now);
    const permit = this.#admits(now) ? this.#admit(now, used) : this.#reject(now, used);
    this.#notifyListeners();
    return permit;
  }

  #permit(used: CircuitPermit | undefined, now: number, generation = this.#generation): CircuitPermit {
    this.permits++;
    return used === undefined ? new CircuitPermit(this, generation, now) : used.renew(this, generation, now);
  }

  /** Calls that hang would trip the breaker too late if only their ends counted. */
  #evaluateOverdue(now: number): void {
    const state = this.#state;
    if (state.kind === 'open' || (state.kind === 'half-open' && state.probes !== undefined)) return;
    this.#window.advance(now);
    if (!this.#evaluate(now, undefined)) this.#postponeEvaluation(now);
  }

  /** After an evaluation that found nothing. */
  #postponeEvaluation(now: number): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || inFlight.overdue > 0 || now < inFlight.nextEvaluationAt) return;
    if (this.#state.kind !== 'closed' || this.#history.forced !== undefined) return;
    inFlight.nextEvaluationAt = Math.min(inFlight.steadyUntil, this.#window.steadyUntil);
    this.#clock.watch?.(inFlight.nextEvaluationAt + STALL_WATCH_FACTOR * this.#config.slowMs);
  }

  #evaluateAtNextCall(): void {
    if (this.#inFlight !== undefined) this.#inFlight.nextEvaluationAt = Number.NEGATIVE_INFINITY;
  }

  #admits(now: number): boolean {
    const state = this.#state;
    if (state.kind !== 'half-open') return state.kind === 'closed';
    return state.probes === undefined
      ? rampAdmits(state, this.#config, now, this.#host)
      : canProbe(state, this.#config);
  }

  /** Whether every call is rejected now: the circuit is open, and not only in mode Shadow. */
  get rejectsAll(): boolean {
    return this.state === 'open' && !this.#isShadow;
  }

  /** Whether what the circuit decides has no effect: mode Shadow, unless the state is forced. */
  get #isShadow(): boolean {
    return this.#config.mode === 'Shadow' && this.#history.forced === undefined;
  }

  #reject(now: number, used: CircuitPermit | undefined): CircuitPermit | null {
    if (this.#isShadow) {
      this.count(COUNTER.shadowRejected);
      return this.#permit(used, now, NO_GENERATION);
    }
    this.count(COUNTER.rejected);
    for (const observer of callObservers.list ?? []) observer.rejected(this, this.#host, now);
    return null;
  }

  #admit(now: number, used: CircuitPermit | undefined): CircuitPermit {
    if (this.#inFlight !== undefined) {
      this.#inFlight.begin(now);
      if (now >= this.#inFlight.nextEvaluationAt) this.#clock.watch?.(now + STALL_WATCH_FACTOR * this.#config.slowMs);
    }
    if (this.#state.kind !== 'half-open') return this.#permit(used, now);
    this.permits++;
    const probe = new CircuitPermit(this, this.#generation, now, true);
    this.#state.probes?.add(probe);
    return probe;
  }

  /** The outcome of a call that returned this. */
  classifyResult(result: unknown): Outcome {
    return this.classify?.({ result }) ?? classifyResult(this.#config.classification, result);
  }

  /** The outcome of a call that threw this. */
  classifyError(error: unknown): Outcome {
    return this.classify?.({ error }) ?? classifyError(this.#config.classification, error);
  }

  /** Settles the permit of a call that returned `result`. Returns the outcome, by default as it is classified. */
  settleResult(permit: CircuitPermit, result: unknown, outcome = this.classifyResult(result)): Outcome {
    this.#settle(permit, outcome, result, false);
    return outcome;
  }

  /** Settles the permit of a call that threw `error`. Returns the outcome, by default as it is classified. */
  settleError(permit: CircuitPermit, error: unknown, outcome = this.classifyError(error)): Outcome {
    this.#settle(permit, outcome, error, true);
    return outcome;
  }

  /** Settles a permit by the outcome alone: what the call returned or threw is not known. */
  settle(permit: CircuitPermit, outcome: Outcome): void {
    this.#settle(permit, outcome, undefined, false);
  }

  /**
   * The call of an unsettled permit waits before it begins: until `begin`, which has to follow, it is not under way.
   */
  pause(permit: CircuitPermit): void {
    if (permit.generation !== this.#generation || this.#probes !== undefined) return;
    this.#inFlight?.end(permit.startedAt);
  }

  /** The call of a paused permit begins now, and its time counts from here. */
  begin(permit: CircuitPermit): void {
    const now = this.#clock.now();
    const probes = this.#probes;
    if (permit.generation === this.#generation) {
      if (probes === undefined) this.#inFlight?.begin(now);
      else if (probes.delete(permit)) {
        // A probe takes up its place while it waits, and probes are kept by their beginning.
        probes.add(permit);
        this.#inFlight?.end(permit.startedAt);
        this.#inFlight?.begin(now);
      }
    }
    permit.startedAt = now;
  }

  get #probes(): Set<CircuitPermit> | undefined {
    return this.#state.kind === 'half-open' ? this.#state.probes : undefined;
  }

  /** A second settling does nothing. */
  #settle(permit: CircuitPermit, outcome: Outcome, returnedOrThrown: unknown, threw: boolean): void {
    if (permit.outcome !== undefined) return;
    permit.outcome = outcome;
    const now = this.#clock.now();
    const tookMs = now - permit.startedAt;
    const { slowMs } = this.#config;
    increment(this.#counters, this.slot + latencyBucket(tookMs));
    if (callObservers.list !== undefined) this.#observe(permit, tookMs, returnedOrThrown, threw);
    const inFlight = this.#inFlight;
    if (
      outcome !== 'success' ||
      permit.generation !== this.#generation ||
      (inFlight === undefined ? !this.#isPlain() : now >= inFlight.nextEvaluationAt || tookMs > slowMs)
    ) {
      this.#settleGeneral(permit, outcome, now, returnedOrThrown);
      return;
    }
    this.#consecutiveFailures = 0;
    if (inFlight !== undefined) inFlight.end(permit.startedAt);
    const window = this.#window;
    window.succeed(now);
    if (window.failures !== 0 || window.slow !== 0) this.#evaluateAfterSuccess(now);
  }

  #observe({ startedAt, outcome }: CircuitPermit, tookMs: number, returnedOrThrown: unknown, threw: boolean): void {
    const observers = callObservers.list!;
    for (let i = 0; i < observers.length; i++) {
      observers[i]!.settled(this, this.#host, startedAt, tookMs, outcome!, returnedOrThrown, threw);
    }
  }

  /** Whether calls are recorded and no call is a probe. */
  #isPlain(): boolean {
    return this.#state.kind === 'closed' && this.#config.mode !== 'Disabled';
  }

  #evaluateAfterSuccess(now: number): void {
    this.#evaluate(now, undefined);
    this.#notifyListeners();
  }

  #settleGeneral(permit: CircuitPermit, outcome: Outcome, now: number, returnedOrThrown: unknown): void {
    const slow = outcome !== 'ignored' && this.#isSlow(permit, now);
    if (slow) this.count(COUNTER.slow);
    if (outcome === 'failure') this.count(COUNTER.failed);
    else if (outcome === 'ignored') this.count(COUNTER.ignored);
    if (permit.generation !== this.#generation) return;
    if (outcome === 'failure') this.#remember(returnedOrThrown);
    if (this.#state.kind === 'closed') this.#settleClosed(permit, outcome, slow, now, returnedOrThrown);
    else this.#settleHalfOpen(permit, outcome, slow, returnedOrThrown);
    this.#notifyListeners();
  }

  #remember(returnedOrThrown: unknown): void {
    const error = lastErrorOf(returnedOrThrown);
    if (error === undefined) lastErrors.delete(this);
    else lastErrors.set(this, error);
  }

  #isSlow({ startedAt }: CircuitPermit, now: number): boolean {
    const { slowMs } = this.#config;
    return slowMs !== 0 && now - startedAt > slowMs && startedAt >= this.#stallEndedAt();
  }

  #stallEndedAt(): number {
    return this.#clock.stallEndedAt?.() ?? Number.NEGATIVE_INFINITY;
  }

  #settleClosed(permit: CircuitPermit, outcome: Outcome, slow: boolean, now: number, returnedOrThrown: unknown): void {
    if (this.#config.mode === 'Disabled') return;
    this.#record(permit, outcome, slow, now);
    if (!this.#evaluate(now, outcome === 'failure' ? returnedOrThrown : undefined)) this.#postponeEvaluation(now);
  }

  #record(permit: CircuitPermit, outcome: Outcome, slow: boolean, now: number): void {
    this.#inFlight?.end(permit.startedAt);
    if (outcome === 'ignored') {
      this.#window.advance(now);
    } else {
      const failed = outcome === 'failure';
      this.#consecutiveFailures = failed ? this.#consecutiveFailures + 1 : 0;
      this.#window.record(now, failed, slow);
    }
  }

  /**
   * Opens the circuit when a condition holds, and says whether it did.
   *
   * @param returnedOrThrown what a failure returned or threw, which may ask for a time to stay away.
   */
  #evaluate(now: number, returnedOrThrown: unknown): boolean {
    const { failures, slow } = this.#window;
    if (failures === 0 && slow === 0 && this.#consecutiveFailures === 0 && this.#inFlight === undefined) return false;
    if (this.#history.forced !== undefined) {
      if (now < this.#history.forced.until) return false;
      this.#setForced(undefined);
    }
    const reason = this.#tripped(now);
    if (reason !== undefined) this.#open(exactNow(this.#clock), reason, returnedOrThrown);
    return reason !== undefined;
  }

  #tripped(now: number): Reason | undefined {
    const { trip, minimumCalls } = this.#config;
    const window = this.#window;
    const overdue = this.#overdue(now);
    const reason = trippedByNumber(trip, window, this.#consecutiveFailures, overdue);
    return reason ?? trippedByRate(trip, window, overdue, minimumCalls);
  }

  /** Calls under way that are slow already. */
  #overdue(now: number): number {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return 0;
    inFlight.advance(now);
    if (inFlight.overdue > 0) inFlight.forget(this.#stallEndedAt());
    return inFlight.overdue;
  }

  #settleHalfOpen(permit: CircuitPermit, outcome: Outcome, slow: boolean, returnedOrThrown: unknown): void {
    const now = this.#expireDeadlines(exactNow(this.#clock));
    const state = this.#state;
    if (state.kind !== 'half-open' || permit.generation !== this.#generation) return;
    if (state.probes === undefined) {
      this.#record(permit, outcome, slow, now);
      if (outcome === 'success') state.succeeded = true;
      if (this.#evaluate(now, outcome === 'failure' ? returnedOrThrown : undefined)) return;
      if (isRampOver(state, this.#config, now)) this.#transition({ kind: 'closed', since: now }, 'ramp-over');
    } else if (state.probes.delete(permit)) {
      this.#inFlight?.end(permit.startedAt);
      if (outcome === 'ignored') this.#evaluateLastProbes(now);
      else this.#countProbe(state, outcome === 'failure', slow, now, 'probe-failed', returnedOrThrown);
    }
  }

  /** @param reason why the circuit opens if this probe alone opens it. */
  #countProbe(
    state: Probing,
    failed: boolean,
    slow: boolean,
    now: number,
    reason: Reason,
    returnedOrThrown?: unknown,
  ): void {
    const decision = recordProbe(state, this.#config, { failed, slow }, reason, () => this.#overdue(now));
    this.#endHalfOpen(decision, now, failed ? returnedOrThrown : undefined);
  }

  #endHalfOpen(decision: Decision | undefined, now: number, returnedOrThrown: unknown): void {
    if (decision?.to === 'open') this.#open(now, decision.reason, returnedOrThrown);
    else if (decision?.to === 'closed') this.#transition({ kind: 'closed', since: now }, decision.reason);
  }

  /**
   * Puts the breaker under another configuration. State and samples stay, unless `reset` asks for a closed and empty
   * breaker. Disabled is always closed and empty, when it begins and when it ends. A forced state stays in any case.
   */
  configure(config: Config, reset: boolean): void {
    const now = this.#expireDeadlines(exactNow(this.#clock));
    const before = this.#config;
    this.#evaluateAtNextCall();
    this.#config = config;
    this.#window = windowFor(config, this.#window, now);
    if (!countsSlow(config)) this.#inFlight = undefined;
    else if (this.#inFlight === undefined || before.slowMs !== config.slowMs) {
      // When the calls under way began is not known; they count when they end.
      this.#inFlight = new InFlight(config.slowMs, now);
      this.#inFlight.forget(now);
    }
    if (reset) this.#resetToClosed(now, 'policy-reset');
    else if (before.mode !== config.mode && (before.mode === 'Disabled' || config.mode === 'Disabled')) {
      this.#resetToClosed(now, 'policy-disabled');
    }
    const state = this.#state;
    if (state.kind === 'open') {
      if (this.#history.forced === undefined) state.jitter ??= this.#drawJitter();
      this.#setOpenUntil(state);
    }
    this.#expireDeadlines(now, now);
    this.#evaluateLastProbes(now);
    this.#notifyListeners();
  }

  /** If an edit leaves no further probe, the circuit must not stay half-open forever. */
  #evaluateLastProbes(now: number): void {
    const state = this.#state;
    if (state.kind !== 'half-open' || state.probes === undefined || this.#config.evaluate !== 'FailureRate') return;
    if (state.probes.size > 0 || canProbe(state, this.#config)) return;
    this.#endHalfOpen(
      evaluateProbes(state, this.#config, () => this.#overdue(now)),
      now,
      undefined,
    );
  }

  /**
   * Opens the circuit for `ms`, in every mode; then it is half-open, or closed where the mode is Disabled. While an
   * override holds the circuit, only another override does anything.
   */
  forceOpen(ms: number, reason: string, override?: OverrideRef): void {
    const now = this.#updateToNow();
    if (!this.#force({ state: 'open', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'open') {
      this.#history = { ...this.#history, reopenings: NOT_AN_OPENING };
      const open: Open = { kind: 'open', until: 0, since: now, retryAfterMs: 0, jitter: undefined };
      this.#transition(open, 'forced-open', forcedDetail(reason, override));
    } else this.#setOpenUntil(this.#state);
    this.#notifyListeners();
  }

  /** Closes the circuit for `ms`: calls are recorded and no condition opens it; then the conditions apply again. */
  forceClosed(ms: number, reason: string, override?: OverrideRef): void {
    const now = this.#updateToNow();
    if (!this.#force({ state: 'closed', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'closed') {
      this.#transition({ kind: 'closed', since: now }, 'forced-closed', forcedDetail(reason, override));
    }
    this.#notifyListeners();
  }

  #force(forced: ForcedState): boolean {
    if (forced.override === undefined && this.#history.forced?.override !== undefined) return false;
    this.#evaluateAtNextCall();
    this.#setForced(forced);
    return true;
  }

  /** Ends what an override forced, as if its time were over. */
  release(): void {
    const now = this.#updateToNow();
    if (this.#history.forced?.override === undefined) return;
    this.#evaluateAtNextCall();
    this.#setForced({ ...this.#history.forced, until: now });
    if (this.#state.kind === 'open') this.#setOpenUntil(this.#state);
    this.#updateToNow();
  }

  /** Ends a forced state and starts closed and empty, unless an override holds the circuit. The totals stay. */
  reset(why?: string): void {
    const now = this.#updateToNow();
    if (this.#history.forced?.override !== undefined) return;
    this.#setForced(undefined);
    this.#resetToClosed(now, 'manual-reset', why);
    this.#notifyListeners();
  }

  #resetToClosed(now: number, reason: Reason, why?: string): void {
    this.#history = { ...this.#history, lastOpenMs: 0 };
    if (this.#state.kind !== 'closed' && this.#history.forced === undefined) {
      this.#transition({ kind: 'closed', since: now }, reason, why);
      return;
    }
    this.#generation++;
    this.#evaluateAtNextCall();
    this.#inFlight?.clear();
    this.#empty();
  }

  #empty(): void {
    this.#window.clear();
    this.#consecutiveFailures = 0;
  }

  /** Brings the state up to date, notifies the listeners, and returns the time. */
  #updateToNow(): number {
    const now = this.#expireDeadlines(exactNow(this.#clock));
    this.#notifyListeners();
    return now;
  }

  /**
   * Makes the changes of state that time alone brings up to `now`, each as of the moment at which it was due but not
   * before `notBefore`: an edit that shortens a time does not change what was.
   */
  #expireDeadlines(now: number, notBefore = Number.NEGATIVE_INFINITY): number {
    for (;;) {
      const state = this.#state;
      if (state.kind === 'closed') {
        if (this.#history.forced !== undefined && this.#history.forced.until <= now) this.#setForced(undefined);
        return now;
      }
      if (state.kind === 'open') {
        const due = state.until;
        if (due > now) return now;
        this.#endOpen(state, Math.max(due, notBefore));
      } else {
        const oldest = state.probes?.values().next().value;
        if (state.probes === undefined || oldest === undefined) return now;
        const due = oldest.startedAt + this.#config.probeTimeoutMs;
        if (due > now) return now;
        state.probes.delete(oldest);
        this.#inFlight?.end(oldest.startedAt);
        this.#countProbe(state, true, this.#isSlow(oldest, due), Math.max(due, notBefore), 'probe-timeout');
      }
    }
  }

  #endOpen({ since: openedAt }: Open, since: number): void {
    const reason = this.#history.forced === undefined ? 'open-duration-over' : 'force-over';
    this.#history = { ...this.#history, forced: undefined, lastOpenMs: since - openedAt };
    const to: StateRecord =
      this.#config.mode === 'Disabled' ? { kind: 'closed', since } : beginHalfOpen(this.#config, since);
    this.#transition(to, reason);
  }

  #setOpenUntil(state: Open): void {
    state.until =
      this.#history.forced?.until ?? state.since + openTimeMs(this.#config, state, this.#history.reopenings);
  }

  #open(now: number, reason: Reason, returnedOrThrown: unknown): void {
    const state = this.#state;
    const { reopenings, lastOpenMs } = this.#history;
    const startsOver = state.kind === 'closed' && now - state.since >= lastOpenMs;
    this.#history = { ...this.#history, reopenings: startsOver ? 0 : reopenings + 1 };
    const asked = this.#config.honorRetryAfter ? retryAfterMs(returnedOrThrown, () => this.#host.wallNow()) : 0;
    this.#transition({ kind: 'open', until: 0, since: now, retryAfterMs: asked, jitter: this.#drawJitter() }, reason);
  }

  #drawJitter(): number | undefined {
    return this.#config.jitterPercent === 0 ? undefined : this.#host.random();
  }

  /** The only place where the state changes. */
  #transition(to: StateRecord, reason: Reason, detail?: string): void {
    const from = this.#state.kind;
    if (to.kind === 'open') this.#setOpenUntil(to);
    this.#state = to;
    this.#generation++;
    this.#evaluateAtNextCall();
    this.#inFlight?.clear();
    if (to.kind === 'closed' || (to.kind === 'half-open' && to.probes === undefined)) this.#empty();
    const lastError = to.kind === 'open' && BY_FAILURES.has(reason) ? lastErrors.get(this) : undefined;
    if (to.kind === 'closed') lastErrors.delete(this);
    const event = {
      from,
      to: to.kind,
      at: to.since,
      reason,
      ...(detail === undefined ? {} : { detail }),
      ...(lastError === undefined ? {} : { lastError }),
    };
    addPending(this, event);
  }

  #notifyListeners(): void {
    notifyPending(this, this.#host);
  }
}

/** The reasons to open that a failure gives. */
const BY_FAILURES: ReadonlySet<Reason> = new Set<Reason>([
  ...TRIP_CONDITIONS.filter(({ measures }) => measures !== 'slow').map(({ reason }) => reason),
  'probe-failed',
]);

/** How long to watch for stalls after a call began, as a multiple of `slowerThan`. */
const STALL_WATCH_FACTOR = 10;

function countsSlow({ slowMs, mode }: Config): boolean {
  return slowMs !== 0 && mode !== 'Disabled';
}
