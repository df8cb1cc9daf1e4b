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

/** The owner of a circuit: its environment, and the listener to its changes of state. */
export interface Host extends Environment {
  /** The name of the breaker. Absent: its calls are not recorded. */
  readonly name?: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key?: string | undefined;
  /** Is called for a change of state, once the state is consistent. Must not throw. */
  transitioned(event: TransitionEvent): void;
}

/** What few circuits have, in one object, which all others share. */
interface Extras {
  /** The classifier that code gave. */
  readonly classify: Classify | undefined;
  /** The state that it is forced into now. */
  readonly forced: ForcedState | undefined;
  /** How many times in a row the circuit had opened before it last did. */
  readonly reopenings: number;
  /** How long it last was open; 0 before that. */
  readonly lastOpenMs: number;
}

/** The `reopenings` of a forced open state: `open` adds 1, so that the next opening is number 0, the first. */
const NOT_AN_OPENING = -1;

const NO_EXTRAS: Extras = { classify: undefined, forced: undefined, reopenings: 0, lastOpenMs: 0 };

/** Circuits that are created within the same millisecond share one record of their state, which saves memory. */
let newestClosed: Closed = { kind: 'closed', since: Number.NEGATIVE_INFINITY };

function closedSince(now: number): Closed {
  const ageMs = now - newestClosed.since;
  if (!(ageMs >= 0 && ageMs < 1)) newestClosed = { kind: 'closed', since: now };
  return newestClosed;
}

/**
 * The state machine of a breaker, without I/O and timers: it decides from the configuration, the recorded outcomes and
 * the time of its owner's clock. State that depends on time is brought up to date when it is read. There may be very
 * many circuits, so each is small: data that only some circuits need, or only during a call, is stored outside. Its
 * own methods are `private` for the compiler only: with a # they cost every object eight bytes, and each call a check.
 *
 * A call takes the short path, in `enter` and `settleAs`, where nothing can change the state: it is admitted while the
 * circuit is closed and no evaluation is due, or rejected before the open time ends; and it succeeds, not slowly, in
 * the generation that admitted it. Every other call takes `enterGeneral` or `settleGeneral`, which bring the state up
 * to date, count probes, evaluate the conditions and notify the listeners.
 */
export class Circuit {
  /** Number of permits since the circuit was made. */
  permits = 0;
  readonly #host: Host;
  readonly #clock: Clock;
  /** The index at which the row of this circuit begins in its page of counters: few circuits share this number. */
  readonly slot: number;
  readonly #counters: Int32Array;
  #config: Config;
  #window: Window;
  /** Absent: slow calls do not count. */
  #inFlight: InFlight | undefined;
  #state: StateRecord;
  #extras = NO_EXTRAS;
  /** Grows by one with each state entered and each reset; outcomes of an earlier generation change no state. */
  #generation = 0;
  /** Failures since the last success. */
  #consecutiveFailures = 0;
  /** The last failure since the circuit closed. */
  #lastError: LastError | undefined = undefined;

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

  /** The classifier that code gave, which wins over the policy's. Must not throw. */
  get classify(): Classify | undefined {
    return this.#extras.classify;
  }

  set classify(classify: Classify | undefined) {
    if (classify !== this.classify) this.#extras = { ...this.#extras, classify };
  }

  /** The state now. */
  get state(): State {
    if (this.#state.kind !== 'closed') this.updateToNow();
    return this.#state.kind;
  }

  /** How long the state has lasted, in milliseconds. */
  get sinceMs(): number {
    return Math.max(0, this.updateToNow() - this.#state.since);
  }

  /** How long until an open circuit lets a probe through, in milliseconds; 0 in any other state. */
  get retryAfterMs(): number {
    if (this.#state.kind === 'closed') return 0;
    const now = this.updateToNow();
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
    return this.#lastError;
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
    this.#window.advance(this.updateToNow());
    const { calls, failures, slow } = this.#window;
    return { calls, failures, slow };
  }

  /** The state that the breaker is forced into, and how long that still lasts. */
  get forced(): (Omit<ForcedState, 'until'> & { endsInMs: number }) | undefined {
    const now = this.updateToNow();
    if (this.#extras.forced === undefined) return undefined;
    const { until, ...forced } = this.#extras.forced;
    return { ...forced, endsInMs: until - now };
  }

  private setForced(forced: ForcedState | undefined): void {
    this.#extras = { ...this.#extras, forced };
  }

  /**
   * Asks for permission for one call. Whoever gets a permit settles it once; a rejection is `null` and is counted.
   *
   * @param used a settled permit without other references, which is given again unless the circuit is half-open and the
   *   call tests the dependency. Absent: a new one.
   */
  enter(used?: CircuitPermit): CircuitPermit | null {
    const state = this.#state;
    if (state.kind === 'closed') {
      const now = this.#clock.now();
      const inFlight = this.#inFlight;
      if (inFlight !== undefined) {
        if (now >= inFlight.nextEvaluationAt) return this.enterGeneral(now, used);
        inFlight.beginFresh();
      }
      return this.permit(used, now);
    }
    const now = exactNow(this.#clock);
    if (state.kind === 'open' && now < state.until) return this.reject(now, used);
    return this.enterGeneral(this.expireDeadlines(now), used);
  }

  private enterGeneral(now: number, used: CircuitPermit | undefined): CircuitPermit | null {
    if (this.#inFlight !== undefined) this.evaluateOverdue(now);
    const permit = this.admits(now) ? this.admit(now, used) : this.reject(now, used);
    this.notifyListeners();
    return permit;
  }

  private permit(used: CircuitPermit | undefined, now: number, generation = this.#generation): CircuitPermit {
    this.permits++;
    return used === undefined ? new CircuitPermit(this, generation, now) : used.renew(this, generation, now);
  }

  /**
   * Evaluates the conditions at the start of a call: counted only at their ends, calls that hang would trip too late.
   */
  private evaluateOverdue(now: number): void {
    const state = this.#state;
    if (state.kind === 'open' || (state.kind === 'half-open' && state.probes !== undefined)) return;
    this.#window.advance(now);
    if (!this.evaluate(now, undefined)) this.postponeEvaluation(now);
  }

  /** Sets the time of the next evaluation, after one in which no condition held. */
  private postponeEvaluation(now: number): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || inFlight.overdue > 0 || now < inFlight.nextEvaluationAt) return;
    if (this.#state.kind !== 'closed' || this.#extras.forced !== undefined) return;
    inFlight.nextEvaluationAt = Math.min(inFlight.steadyUntil, this.#window.steadyUntil);
    this.#clock.watch?.(inFlight.nextEvaluationAt + STALL_WATCH_FACTOR * this.#config.slowMs);
  }

  private evaluateAtNextCall(): void {
    if (this.#inFlight !== undefined) this.#inFlight.nextEvaluationAt = Number.NEGATIVE_INFINITY;
  }

  private admits(now: number): boolean {
    const state = this.#state;
    if (state.kind !== 'half-open') return state.kind === 'closed';
    return state.probes === undefined
      ? rampAdmits(state, this.#config, now, this.#host)
      : canProbe(state, this.#config);
  }

  /** Whether every call is rejected now: the circuit is open, and not only in mode Shadow. */
  get rejectsAll(): boolean {
    return this.state === 'open' && !this.isShadow;
  }

  /** Whether the state only counts would-be rejections: mode Shadow, unless the state is forced. */
  private get isShadow(): boolean {
    return this.#config.mode === 'Shadow' && this.#extras.forced === undefined;
  }

  private reject(now: number, used: CircuitPermit | undefined): CircuitPermit | null {
    if (this.isShadow) {
      this.count(COUNTER.shadowRejected);
      return this.permit(used, now, NO_GENERATION);
    }
    this.count(COUNTER.rejected);
    for (const observer of callObservers.list ?? []) observer.rejected(this, this.#host, now);
    return null;
  }

  private admit(now: number, used: CircuitPermit | undefined): CircuitPermit {
    if (this.#inFlight !== undefined) {
      this.#inFlight.begin(now);
      if (now >= this.#inFlight.nextEvaluationAt) this.#clock.watch?.(now + STALL_WATCH_FACTOR * this.#config.slowMs);
    }
    if (this.#state.kind !== 'half-open') return this.permit(used, now);
    this.permits++;
    const probe = new CircuitPermit(this, this.#generation, now);
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
    this.settleAs(permit, outcome, result, false);
    return outcome;
  }

  /** Settles the permit of a call that threw `error`. Returns the outcome, by default as it is classified. */
  settleError(permit: CircuitPermit, error: unknown, outcome = this.classifyError(error)): Outcome {
    this.settleAs(permit, outcome, error, true);
    return outcome;
  }

  /** Settles a permit by the outcome alone: what the call returned or threw is not known. */
  settle(permit: CircuitPermit, outcome: Outcome): void {
    this.settleAs(permit, outcome, undefined, false);
  }

  /**
   * The call of an unsettled permit waits in a queue: until `begin`, which must follow, it is not under way.
   */
  pause(permit: CircuitPermit): void {
    if (permit.generation !== this.#generation || this.probes !== undefined) return;
    this.#inFlight?.end(permit.startedAt);
  }

  /** The call of a paused permit begins now, and its time counts from here. */
  begin(permit: CircuitPermit): void {
    const now = this.#clock.now();
    const probes = this.probes;
    if (permit.generation === this.#generation) {
      if (probes === undefined) this.#inFlight?.begin(now);
      else if (probes.delete(permit)) {
        // A waiting probe keeps its place, and moves to the end, because probes are ordered by start time.
        probes.add(permit);
        this.#inFlight?.end(permit.startedAt);
        this.#inFlight?.begin(now);
      }
    }
    permit.startedAt = now;
  }

  private get probes(): Set<CircuitPermit> | undefined {
    return this.#state.kind === 'half-open' ? this.#state.probes : undefined;
  }

  /** A second settling does nothing. */
  private settleAs(permit: CircuitPermit, outcome: Outcome, returnedOrThrown: unknown, threw: boolean): void {
    if (permit.outcome !== undefined) return;
    permit.outcome = outcome;
    const now = this.#clock.now();
    const tookMs = now - permit.startedAt;
    increment(this.#counters, this.slot + latencyBucket(tookMs));
    if (callObservers.list !== undefined) this.observe(permit, tookMs, returnedOrThrown, threw);
    const inFlight = this.#inFlight;
    if (
      outcome !== 'success' ||
      permit.generation !== this.#generation ||
      (inFlight === undefined ? !this.isPlain() : now >= inFlight.nextEvaluationAt || tookMs > inFlight.slowMs)
    ) {
      this.settleGeneral(permit, outcome, now, returnedOrThrown);
      return;
    }
    this.#consecutiveFailures = 0;
    inFlight?.end(permit.startedAt);
    if (!this.#window.succeed(now)) this.evaluateAfterSuccess(now);
  }

  private observe(
    { startedAt, outcome }: CircuitPermit,
    tookMs: number,
    returnedOrThrown: unknown,
    threw: boolean,
  ): void {
    const observers = callObservers.list!;
    for (let i = 0; i < observers.length; i++) {
      observers[i]!.settled(this, this.#host, startedAt, tookMs, outcome!, returnedOrThrown, threw);
    }
  }

  /** Whether calls are recorded and no call is a probe. */
  private isPlain(): boolean {
    return this.#state.kind === 'closed' && this.#config.mode !== 'Disabled';
  }

  private evaluateAfterSuccess(now: number): void {
    this.evaluate(now, undefined);
    this.notifyListeners();
  }

  private settleGeneral(permit: CircuitPermit, outcome: Outcome, now: number, returnedOrThrown: unknown): void {
    const slow = outcome !== 'ignored' && this.isSlow(permit, now);
    if (slow) this.count(COUNTER.slow);
    if (outcome === 'failure') this.count(COUNTER.failed);
    else if (outcome === 'ignored') this.count(COUNTER.ignored);
    if (permit.generation !== this.#generation) return;
    if (outcome === 'failure') this.#lastError = lastErrorOf(returnedOrThrown);
    if (this.#state.kind === 'closed') this.settleClosed(permit, outcome, slow, now, returnedOrThrown);
    else this.settleHalfOpen(permit, outcome, slow, returnedOrThrown);
    this.notifyListeners();
  }

  private isSlow({ startedAt }: CircuitPermit, now: number): boolean {
    const { slowMs } = this.#config;
    return slowMs !== 0 && now - startedAt > slowMs && startedAt >= this.stallEndedAt();
  }

  private stallEndedAt(): number {
    return this.#clock.stallEndedAt?.() ?? Number.NEGATIVE_INFINITY;
  }

  private settleClosed(
    permit: CircuitPermit,
    outcome: Outcome,
    slow: boolean,
    now: number,
    returnedOrThrown: unknown,
  ): void {
    if (this.#config.mode === 'Disabled') return;
    this.record(permit, outcome, slow, now);
    if (!this.evaluate(now, outcome === 'failure' ? returnedOrThrown : undefined)) this.postponeEvaluation(now);
  }

  private record(permit: CircuitPermit, outcome: Outcome, slow: boolean, now: number): void {
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
   * @param returnedOrThrown what a failure returned or threw, which may contain a Retry-After.
   */
  private evaluate(now: number, returnedOrThrown: unknown): boolean {
    const { failures, slow } = this.#window;
    if (failures === 0 && slow === 0 && this.#consecutiveFailures === 0 && this.#inFlight === undefined) return false;
    if (this.#extras.forced !== undefined) {
      if (now < this.#extras.forced.until) return false;
      this.setForced(undefined);
    }
    const reason = this.tripped(now);
    if (reason !== undefined) this.open(exactNow(this.#clock), reason, returnedOrThrown);
    return reason !== undefined;
  }

  private tripped(now: number): Reason | undefined {
    const { trip, minimumCalls } = this.#config;
    const window = this.#window;
    const overdue = this.overdue(now);
    const reason = trippedByNumber(trip, window, this.#consecutiveFailures, overdue);
    return reason ?? trippedByRate(trip, window, overdue, minimumCalls);
  }

  /** Calls under way that are slow already. */
  private overdue(now: number): number {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return 0;
    inFlight.advance(now);
    if (inFlight.overdue > 0) inFlight.forget(this.stallEndedAt());
    return inFlight.overdue;
  }

  private settleHalfOpen(permit: CircuitPermit, outcome: Outcome, slow: boolean, returnedOrThrown: unknown): void {
    const now = this.expireDeadlines(exactNow(this.#clock));
    const state = this.#state;
    if (state.kind !== 'half-open' || permit.generation !== this.#generation) return;
    if (state.probes === undefined) {
      this.record(permit, outcome, slow, now);
      if (outcome === 'success') state.succeeded = true;
      if (this.evaluate(now, outcome === 'failure' ? returnedOrThrown : undefined)) return;
      if (isRampOver(state, this.#config, now)) this.transition({ kind: 'closed', since: now }, 'ramp-over');
    } else if (state.probes.delete(permit)) {
      this.#inFlight?.end(permit.startedAt);
      if (outcome === 'ignored') this.evaluateLastProbes(now);
      else this.countProbe(state, outcome === 'failure', slow, now, 'probe-failed', returnedOrThrown);
    }
  }

  /** @param reason why the circuit opens if this probe alone opens it. */
  private countProbe(
    state: Probing,
    failed: boolean,
    slow: boolean,
    now: number,
    reason: Reason,
    returnedOrThrown?: unknown,
  ): void {
    const decision = recordProbe(state, this.#config, { failed, slow }, reason, () => this.overdue(now));
    this.endHalfOpen(decision, now, failed ? returnedOrThrown : undefined);
  }

  private endHalfOpen(decision: Decision | undefined, now: number, returnedOrThrown: unknown): void {
    if (decision?.to === 'open') this.open(now, decision.reason, returnedOrThrown);
    else if (decision?.to === 'closed') this.transition({ kind: 'closed', since: now }, decision.reason);
  }

  /**
   * Applies another configuration. State and samples stay, unless `reset` asks for a closed and empty circuit. A
   * circuit is also closed and empty when mode Disabled begins or ends. A forced state stays in any case.
   */
  configure(config: Config, reset: boolean): void {
    const now = this.expireDeadlines(exactNow(this.#clock));
    const before = this.#config;
    this.evaluateAtNextCall();
    this.#config = config;
    this.#window = windowFor(config, this.#window, now);
    if (!countsSlow(config)) this.#inFlight = undefined;
    else if (this.#inFlight?.slowMs !== config.slowMs) {
      // The start times of the calls under way are not known, so these calls count only when they end.
      this.#inFlight = new InFlight(config.slowMs, now);
      this.#inFlight.forget(now);
    }
    if (reset) this.resetToClosed(now, 'policy-reset');
    else if (before.mode !== config.mode && (before.mode === 'Disabled' || config.mode === 'Disabled')) {
      this.resetToClosed(now, 'policy-disabled');
    }
    const state = this.#state;
    if (state.kind === 'open') {
      if (this.#extras.forced === undefined) state.jitter ??= this.drawJitter();
      this.setOpenUntil(state);
    }
    this.expireDeadlines(now, now);
    this.evaluateLastProbes(now);
    this.notifyListeners();
  }

  /** Decides when no probe is under way and none may begin, as after an edit: the circuit must not stay half-open. */
  private evaluateLastProbes(now: number): void {
    const state = this.#state;
    if (state.kind !== 'half-open' || state.probes === undefined || this.#config.evaluate !== 'FailureRate') return;
    if (state.probes.size > 0 || canProbe(state, this.#config)) return;
    this.endHalfOpen(
      evaluateProbes(state, this.#config, () => this.overdue(now)),
      now,
      undefined,
    );
  }

  /**
   * Opens the circuit for `ms`, in every mode; then it is half-open, or closed in mode Disabled. While an override is
   * in force, only another override has an effect.
   */
  forceOpen(ms: number, reason: string, override?: OverrideRef): void {
    const now = this.updateToNow();
    if (!this.force({ state: 'open', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'open') {
      this.#extras = { ...this.#extras, reopenings: NOT_AN_OPENING };
      const open: Open = { kind: 'open', until: 0, since: now, retryAfterMs: 0, jitter: undefined };
      this.transition(open, 'forced-open', forcedDetail(reason, override));
    } else this.setOpenUntil(this.#state);
    // With 0 ms the open state is over.
    this.updateToNow();
  }

  /** Closes the circuit for `ms`: calls are recorded and no condition opens it; then the conditions apply again. */
  forceClosed(ms: number, reason: string, override?: OverrideRef): void {
    const now = this.updateToNow();
    if (!this.force({ state: 'closed', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'closed') {
      this.transition({ kind: 'closed', since: now }, 'forced-closed', forcedDetail(reason, override));
    }
    this.notifyListeners();
  }

  private force(forced: ForcedState): boolean {
    if (forced.override === undefined && this.#extras.forced?.override !== undefined) return false;
    this.evaluateAtNextCall();
    this.setForced(forced);
    return true;
  }

  /** Ends a state that an override forced, as if its time were over. */
  release(): void {
    const now = this.updateToNow();
    if (this.#extras.forced?.override === undefined) return;
    this.evaluateAtNextCall();
    this.setForced({ ...this.#extras.forced, until: now });
    if (this.#state.kind === 'open') this.setOpenUntil(this.#state);
    this.updateToNow();
  }

  /** Ends a forced state and starts closed and empty, unless an override is in force. The totals stay. */
  reset(why?: string): void {
    const now = this.updateToNow();
    if (this.#extras.forced?.override !== undefined) return;
    this.setForced(undefined);
    this.resetToClosed(now, 'manual-reset', why);
    this.notifyListeners();
  }

  private resetToClosed(now: number, reason: Reason, why?: string): void {
    this.#extras = { ...this.#extras, lastOpenMs: 0 };
    if (this.#state.kind !== 'closed' && this.#extras.forced === undefined) {
      this.transition({ kind: 'closed', since: now }, reason, why);
      return;
    }
    this.#generation++;
    this.evaluateAtNextCall();
    this.#inFlight?.clear();
    this.empty();
  }

  private empty(): void {
    this.#window.clear();
    this.#consecutiveFailures = 0;
  }

  /** Brings the state up to date, notifies the listeners, and returns the time. */
  private updateToNow(): number {
    const now = this.expireDeadlines(exactNow(this.#clock));
    this.notifyListeners();
    return now;
  }

  /**
   * Makes the changes of state that are due by `now`. Each is dated to the moment at which it was due, but not before
   * `notBefore`: an edit that shortens a time does not change the past.
   */
  private expireDeadlines(now: number, notBefore = Number.NEGATIVE_INFINITY): number {
    for (;;) {
      const state = this.#state;
      if (state.kind === 'closed') {
        if (this.#extras.forced !== undefined && this.#extras.forced.until <= now) this.setForced(undefined);
        return now;
      }
      if (state.kind === 'open') {
        const due = state.until;
        if (due > now) return now;
        this.endOpen(state, Math.max(due, notBefore));
      } else {
        const oldest = state.probes?.values().next().value;
        if (state.probes === undefined || oldest === undefined) return now;
        const due = oldest.startedAt + this.#config.probeTimeoutMs;
        if (due > now) return now;
        state.probes.delete(oldest);
        this.#inFlight?.end(oldest.startedAt);
        this.countProbe(state, true, this.isSlow(oldest, due), Math.max(due, notBefore), 'probe-timeout');
      }
    }
  }

  private endOpen({ since: openedAt }: Open, since: number): void {
    const reason = this.#extras.forced === undefined ? 'open-duration-over' : 'force-over';
    this.#extras = { ...this.#extras, forced: undefined, lastOpenMs: since - openedAt };
    const to: StateRecord =
      this.#config.mode === 'Disabled' ? { kind: 'closed', since } : beginHalfOpen(this.#config, since);
    this.transition(to, reason);
  }

  private setOpenUntil(state: Open): void {
    state.until = this.#extras.forced?.until ?? state.since + openTimeMs(this.#config, state, this.#extras.reopenings);
  }

  private open(now: number, reason: Reason, returnedOrThrown: unknown): void {
    const state = this.#state;
    const { reopenings, lastOpenMs } = this.#extras;
    const startsOver = state.kind === 'closed' && now - state.since >= lastOpenMs;
    this.#extras = { ...this.#extras, reopenings: startsOver ? 0 : reopenings + 1 };
    const asked = this.#config.honorRetryAfter ? retryAfterMs(returnedOrThrown, () => this.#host.wallNow()) : 0;
    this.transition({ kind: 'open', until: 0, since: now, retryAfterMs: asked, jitter: this.drawJitter() }, reason);
  }

  private drawJitter(): number | undefined {
    return this.#config.jitterPercent === 0 ? undefined : this.#host.random();
  }

  /** The only place where the state changes. */
  private transition(to: StateRecord, reason: Reason, detail?: string): void {
    const from = this.#state.kind;
    if (to.kind === 'open') this.setOpenUntil(to);
    this.#state = to;
    this.#generation++;
    this.evaluateAtNextCall();
    this.#inFlight?.clear();
    if (to.kind === 'closed' || (to.kind === 'half-open' && to.probes === undefined)) this.empty();
    const lastError = to.kind === 'open' && BY_FAILURES.has(reason) ? this.#lastError : undefined;
    if (to.kind === 'closed') this.#lastError = undefined;
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

  private notifyListeners(): void {
    notifyPending(this, this.#host);
  }
}

/** The reasons of openings that failures caused, which have a last error. */
const BY_FAILURES: ReadonlySet<Reason> = new Set<Reason>([
  ...TRIP_CONDITIONS.filter(({ measures }) => measures !== 'slow').map(({ reason }) => reason),
  'probe-failed',
]);

/** How long to watch for stalls after a call began, as a multiple of `slowerThan`. */
const STALL_WATCH_FACTOR = 10;

function countsSlow({ slowMs, mode }: Config): boolean {
  return slowMs !== 0 && mode !== 'Disabled';
}
