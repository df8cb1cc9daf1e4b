import type { Totals } from '@fuseboard/schema/types';
import { type Classify, classifyError, classifyResult, type Outcome } from './classify.ts';
import { type Clock, exactNow, type Surroundings } from './clock.ts';
import type { Config } from './config/config.ts';
import { COUNTED, increment, latencyOf, tallies, totalsOf } from './counters.ts';
import { openTimeMs } from './open-time.ts';
import { NO_GENERATION, Permit } from './permit.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Closed, Open, Probing, Ramping, Reason, State, StateRecord, TransitionEvent } from './state.ts';
import { trippedByFailures, trippedByRate } from './trip.ts';
import { latencyBucket } from './windows/histogram.ts';
import { InFlight } from './windows/in-flight.ts';
import { type Window, windowFor } from './windows/window.ts';

/** Where a breaker lives: what it is given, and who hears of its changes of state. */
export interface Host extends Surroundings {
  /** Hears of a change of state, once the state is consistent. Must not throw. */
  transitioned(event: TransitionEvent): void;
}

/** An override as a breaker knows it. */
export interface HeldBy {
  readonly uid: string;
  readonly name: string;
}

/** A state that somebody holds a breaker in. */
export interface Forced {
  readonly state: 'open' | 'closed';
  /** When it ends by itself, in milliseconds of the clock. */
  readonly until: number;
  /** Why, in the words of who did it. */
  readonly reason: string;
  /** Absent: the code of this process holds it. */
  readonly override?: HeldBy | undefined;
}

/** What a breaker keeps of having been open or forced. */
interface Past {
  /** The state that somebody holds it in now. */
  readonly forced: Forced | undefined;
  /** How many times in a row the circuit had opened before it last did. */
  readonly reopenings: number;
  /** How long it last was open; 0 before that. */
  readonly lastOpenMs: number;
}

const NO_PAST: Past = { forced: undefined, reopenings: 0, lastOpenMs: 0 };

/** Changes of state that nobody heard of yet. There are none but while a breaker is at work, so breakers have no place for them. */
const unheard = new Map<BreakerCore, { readonly events: TransitionEvent[]; isTold: boolean }>();

/** Breakers that are made within a millisecond share the record of it. */
let lastMade: Closed = { kind: 'closed', since: Number.NEGATIVE_INFINITY };

function madeAt(now: number): Closed {
  const ago = now - lastMade.since;
  if (!(ago >= 0 && ago < 1)) lastMade = { kind: 'closed', since: now };
  return lastMade;
}

/**
 * A circuit breaker without I/O, timers or a clock of its own: it decides from the configuration, the outcomes that it
 * is told and the time that it is given. Whatever lapses with time lapses when somebody looks. There may be very many, so
 * each is small: what only those have that were open or forced is outside of it, and so is what is there during a call
 * only.
 */
export class BreakerCore {
  /** How many permits were given since the breaker was made. */
  permits = 0;
  /** The code's own judgement, which wins over the policy's. Must not throw. */
  classify: Classify | undefined = undefined;
  readonly #host: Host;
  readonly #clock: Clock;
  /** Where it counts: a row of `tallies`. */
  readonly #page: Int32Array;
  readonly #row: number;
  #config: Config;
  #window: Window;
  /** Only where slow calls count. */
  #inFlight: InFlight | undefined;
  #state: StateRecord;
  #past = NO_PAST;
  /** One more with each state entered and each new beginning; an outcome of an earlier one moves nothing. */
  #generation = 0;
  /** Failures since the last success. */
  #run = 0;

  constructor(config: Config, host: Host) {
    const { clock } = host;
    const { page, at } = tallies.take();
    const now = exactNow(clock);
    this.#host = host;
    this.#clock = clock;
    this.#page = page;
    this.#row = at;
    this.#config = config;
    this.#window = windowFor(config, undefined, now);
    this.#inFlight = countsSlow(config) ? new InFlight(config.slowMs, now) : undefined;
    this.#state = madeAt(now);
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
    return this.#state.kind === 'open' ? this.#state.until - now : 0;
  }

  /** The same for a call that was rejected just now, without another reading of the exact clock. */
  get rejectedForMs(): number {
    return this.#state.kind === 'open' ? Math.max(0, this.#state.until - this.#clock.now()) : 0;
  }

  /** Failures in a row, while closed. */
  get consecutiveFailures(): number {
    return this.#run;
  }

  /** What was counted over its life; it never runs backwards. */
  totals(): Totals {
    return totalsOf({ page: this.#page, at: this.#row });
  }

  /** How many calls took how long; see `latencyBucket`. */
  latency(): number[] {
    return latencyOf({ page: this.#page, at: this.#row });
  }

  /** Counts one more of something. @param place one of `COUNTED`. */
  count(place: number): void {
    increment(this.#page, this.#row + place);
  }

  /** The calls that the conditions look at. */
  get window(): { calls: number; failures: number; slow: number } {
    this.#window.advance(this.#look());
    const { calls, failures, slow } = this.#window;
    return { calls, failures, slow };
  }

  /** The state that somebody holds the breaker in, with how long that still lasts. */
  get forced(): (Omit<Forced, 'until'> & { endsInMs: number }) | undefined {
    const now = this.#look();
    if (this.#past.forced === undefined) return undefined;
    const { until, ...forced } = this.#past.forced;
    return { ...forced, endsInMs: until - now };
  }

  #hold(forced: Forced | undefined): void {
    this.#past = { ...this.#past, forced };
  }

  /**
   * Asks for leave to call. Whoever gets a permit settles it once; a rejection is `null` and is counted.
   *
   * @param used a settled permit that nobody else knows, to be given again. Absent: a new one.
   */
  enter(used?: Permit): Permit | null {
    const state = this.#state;
    if (state.kind === 'closed') {
      const now = this.#clock.now();
      const inFlight = this.#inFlight;
      if (inFlight !== undefined) {
        if (now >= inFlight.calmUntil) return this.#enterSlowly(now, used);
        inFlight.begin(now);
      }
      return this.#permit(used, now);
    }
    const now = exactNow(this.#clock);
    if (state.kind === 'open' && now < state.until) return this.#reject(now, used);
    return this.#enterSlowly(this.#lapse(now), used);
  }

  #enterSlowly(now: number, used: Permit | undefined): Permit | null {
    if (this.#inFlight !== undefined) this.#judgeHanging(now);
    const permit = this.#admits(now) ? this.#admit(now, used) : this.#reject(now, used);
    this.#tell();
    return permit;
  }

  #permit(used: Permit | undefined, now: number, generation = this.#generation): Permit {
    this.permits++;
    return used === undefined ? new Permit(this, generation, now) : used.renew(this, generation, now);
  }

  /** Calls that hang end too late to be judged by their ends alone. */
  #judgeHanging(now: number): void {
    const state = this.#state;
    if (state.kind === 'open' || (state.kind === 'half-open' && state.probes !== undefined)) return;
    this.#window.advance(now);
    if (!this.#evaluate(now, undefined)) this.#calmDown(now);
  }

  /** After an evaluation that found nothing. */
  #calmDown(now: number): void {
    const inFlight = this.#inFlight;
    if (inFlight === undefined || inFlight.overdue > 0 || now < inFlight.calmUntil) return;
    if (this.#state.kind !== 'closed' || this.#past.forced !== undefined) return;
    inFlight.calmUntil = Math.min(inFlight.steadyUntil, this.#window.steadyUntil);
    this.#clock.watch?.(inFlight.calmUntil + LONGEST_JUDGED * this.#config.slowMs);
  }

  #disturb(): void {
    if (this.#inFlight !== undefined) this.#inFlight.calmUntil = Number.NEGATIVE_INFINITY;
  }

  #admits(now: number): boolean {
    const state = this.#state;
    if (state.kind !== 'half-open') return state.kind === 'closed';
    return state.probes === undefined ? this.#rampAdmits(state, now) : this.#awaits(state);
  }

  #reject(now: number, used: Permit | undefined): Permit | null {
    if (this.#config.mode === 'Shadow' && this.#past.forced === undefined) {
      this.count(COUNTED.shadowRejected);
      return this.#permit(used, now, NO_GENERATION);
    }
    this.count(COUNTED.rejected);
    return null;
  }

  #admit(now: number, used: Permit | undefined): Permit {
    if (this.#inFlight !== undefined) {
      this.#inFlight.begin(now);
      if (now >= this.#inFlight.calmUntil) this.#clock.watch?.(now + LONGEST_JUDGED * this.#config.slowMs);
    }
    const permit = this.#permit(used, now);
    if (this.#state.kind === 'half-open') this.#state.probes?.add(permit);
    return permit;
  }

  /** Whether one more probe may begin. */
  #awaits({ probes, calls }: Probing): boolean {
    const { maxProbes, evaluate } = this.#config;
    return probes.size + (evaluate === 'FailureRate' ? calls : 0) < maxProbes;
  }

  /** The share that passes is 2^(t / rampDuration) - 1, as in aiomisc: it doubles its distance from -1 over the ramp. */
  #rampAdmits(state: Ramping, now: number): boolean {
    if (state.startedAt === undefined) {
      state.startedAt = now;
      return true;
    }
    const part = (now - state.startedAt) / this.#config.rampMs;
    return part >= 1 || this.#host.random() < 2 ** part - 1;
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
    this.settle(permit, outcome, result);
    return outcome;
  }

  /** Settles a permit by what the call threw, and says how that was judged. */
  settleError(permit: Permit, error: unknown): Outcome {
    const outcome = this.judgeError(error);
    this.settle(permit, outcome, error);
    return outcome;
  }

  /** The call of an unsettled permit waits before it begins: until `restart`, which has to follow, it is not under way. */
  pause(permit: Permit): void {
    if (permit.generation !== this.#generation || this.#probes !== undefined) return;
    this.#inFlight?.end(permit.startedAt);
  }

  /** The call of a paused permit begins. */
  restart(permit: Permit): void {
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

  get #probes(): Set<Permit> | undefined {
    return this.#state.kind === 'half-open' ? this.#state.probes : undefined;
  }

  /** Settles a permit; a second settling does nothing. `what` was returned or thrown, where that is known. */
  settle(permit: Permit, outcome: Outcome, what?: unknown): void {
    if (permit.outcome !== undefined) return;
    permit.outcome = outcome;
    const now = this.#clock.now();
    const tookMs = now - permit.startedAt;
    const { slowMs } = this.#config;
    increment(this.#page, this.#row + latencyBucket(tookMs));
    const inFlight = this.#inFlight;
    if (
      outcome !== 'success' ||
      permit.generation !== this.#generation ||
      (inFlight === undefined ? !this.#isPlain() : now >= inFlight.calmUntil || tookMs > slowMs)
    ) {
      this.#settleSlowly(permit, outcome, now, what);
      return;
    }
    this.#run = 0;
    if (inFlight !== undefined) inFlight.end(permit.startedAt);
    const window = this.#window;
    window.succeed(now);
    if (window.failures !== 0 || window.slow !== 0) this.#judgeSuccess(now);
  }

  /** Whether calls are recorded and no call is a probe. */
  #isPlain(): boolean {
    return this.#state.kind === 'closed' && this.#config.mode !== 'Disabled';
  }

  #judgeSuccess(now: number): void {
    this.#evaluate(now, undefined);
    this.#tell();
  }

  #settleSlowly(permit: Permit, outcome: Outcome, now: number, what: unknown): void {
    const slow = outcome !== 'ignored' && this.#isSlow(permit, now);
    if (slow) this.count(COUNTED.slow);
    if (outcome === 'failure') this.count(COUNTED.failed);
    else if (outcome === 'ignored') this.count(COUNTED.ignored);
    if (permit.generation !== this.#generation) return;
    if (this.#state.kind === 'closed') this.#settleClosed(permit, outcome, slow, now, what);
    else this.#settleHalfOpen(permit, outcome, slow, what);
    this.#tell();
  }

  #isSlow({ startedAt }: Permit, now: number): boolean {
    const { slowMs } = this.#config;
    return slowMs !== 0 && now - startedAt > slowMs && startedAt >= this.#stallEndedAt();
  }

  #stallEndedAt(): number {
    return this.#clock.stallEndedAt?.() ?? Number.NEGATIVE_INFINITY;
  }

  #settleClosed(permit: Permit, outcome: Outcome, slow: boolean, now: number, what: unknown): void {
    if (this.#config.mode === 'Disabled') return;
    this.#record(permit, outcome, slow, now);
    if (!this.#evaluate(now, outcome === 'failure' ? what : undefined)) this.#calmDown(now);
  }

  #record(permit: Permit, outcome: Outcome, slow: boolean, now: number): void {
    this.#inFlight?.end(permit.startedAt);
    if (outcome === 'ignored') {
      this.#window.advance(now);
    } else {
      const failed = outcome === 'failure';
      this.#run = failed ? this.#run + 1 : 0;
      this.#window.record(now, failed, slow);
    }
  }

  /**
   * Opens the circuit when a condition holds, and says whether it did.
   *
   * @param what what a failure returned or threw, which may ask for a time to stay away.
   */
  #evaluate(now: number, what: unknown): boolean {
    const { failures, slow } = this.#window;
    if (failures === 0 && slow === 0 && this.#run === 0 && this.#inFlight === undefined) return false;
    if (this.#past.forced !== undefined) {
      if (now < this.#past.forced.until) return false;
      this.#hold(undefined);
    }
    const reason = this.#tripped(now);
    if (reason !== undefined) this.#open(exactNow(this.#clock), reason, what);
    return reason !== undefined;
  }

  #tripped(now: number): Reason | undefined {
    const config = this.#config;
    const window = this.#window;
    const reason = trippedByFailures(config, window.failures, this.#run);
    if (reason !== undefined) return reason;
    return trippedByRate(config, window, this.#overdue(now), config.minimumCalls);
  }

  /** Calls under way that are slow already. */
  #overdue(now: number): number {
    const inFlight = this.#inFlight;
    if (inFlight === undefined) return 0;
    inFlight.advance(now);
    if (inFlight.overdue > 0) inFlight.forget(this.#stallEndedAt());
    return inFlight.overdue;
  }

  #settleHalfOpen(permit: Permit, outcome: Outcome, slow: boolean, what: unknown): void {
    const now = this.#lapse(exactNow(this.#clock));
    const state = this.#state;
    if (state.kind !== 'half-open' || permit.generation !== this.#generation) return;
    if (state.probes === undefined) {
      this.#record(permit, outcome, slow, now);
      if (outcome === 'success') state.succeeded = true;
      if (this.#evaluate(now, outcome === 'failure' ? what : undefined)) return;
      const isOver = now - state.startedAt! >= this.#config.rampMs;
      if (isOver && state.succeeded) this.#transition({ kind: 'closed', since: now }, 'ramp-over');
    } else if (state.probes.delete(permit)) {
      this.#inFlight?.end(permit.startedAt);
      if (outcome === 'ignored') this.#judgeLastProbes(now);
      else this.#countProbe(state, outcome === 'failure', slow, now, 'probe-failed', what);
    }
  }

  /** @param reason why the circuit opens if this probe alone opens it. */
  #countProbe(state: Probing, failed: boolean, slow: boolean, now: number, reason: Reason, what?: unknown): void {
    state.calls++;
    if (failed) state.failures++;
    if (slow) state.slow++;
    if (!failed && !slow) state.successes++;
    if (this.#config.evaluate === 'FailureRate') {
      this.#judgeProbes(state, now, failed ? what : undefined);
    } else if (failed || slow) {
      this.#open(now, reason, failed ? what : undefined);
    } else if (state.successes >= this.#config.successThreshold) {
      this.#transition({ kind: 'closed', since: now }, 'probe-succeeded');
    }
  }

  #judgeProbes(state: Probing, now: number, what?: unknown): void {
    const enough = Math.min(this.#config.minimumCalls, this.#config.maxProbes);
    if (state.calls < enough) return;
    const reason = trippedByRate(this.#config, state, this.#overdue(now), enough);
    if (reason !== undefined) this.#open(now, reason, what);
    else this.#transition({ kind: 'closed', since: now }, 'probe-succeeded');
  }

  /**
   * Puts the breaker under another configuration. State and samples stay, unless `reset` asks for a closed and empty
   * breaker. Disabled is always closed and empty, when it begins and when it ends. A forced state stays in any case.
   */
  configure(config: Config, reset: boolean): void {
    const now = this.#lapse(exactNow(this.#clock));
    const before = this.#config;
    this.#disturb();
    this.#config = config;
    this.#window = windowFor(config, this.#window, now);
    if (!countsSlow(config)) this.#inFlight = undefined;
    else if (this.#inFlight?.slowMs !== config.slowMs) {
      // Calls that are under way are not known by when they began; they are judged when they end.
      this.#inFlight = new InFlight(config.slowMs, now);
      this.#inFlight.forget(now);
    }
    if (reset) this.#startAfresh(now, 'policy-reset');
    else if (before.mode !== config.mode && (before.mode === 'Disabled' || config.mode === 'Disabled')) {
      this.#startAfresh(now, 'policy-disabled');
    }
    const state = this.#state;
    if (state.kind === 'open') {
      if (this.#past.forced === undefined) state.chance ??= this.#draw();
      this.#limitOpen(state);
    }
    this.#lapse(now, now);
    this.#judgeLastProbes(now);
    this.#tell();
  }

  /** Once an edit has left no probe to come, the circuit must not stay half-open for ever. */
  #judgeLastProbes(now: number): void {
    const state = this.#state;
    if (state.kind !== 'half-open' || state.probes === undefined || this.#config.evaluate !== 'FailureRate') return;
    if (state.probes.size === 0 && !this.#awaits(state)) this.#judgeProbes(state, now);
  }

  /**
   * Opens the circuit for `ms`, in every mode; then it is half-open, or closed where the mode is Disabled. While an override
   * holds the circuit, only another override does anything.
   */
  forceOpen(ms: number, reason: string, override?: HeldBy): void {
    const now = this.#look();
    if (!this.#force({ state: 'open', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'open') {
      this.#past = { ...this.#past, reopenings: -1 };
      const open: Open = { kind: 'open', until: 0, since: now, retryAfterMs: 0, chance: undefined };
      this.#transition(open, 'forced-open', detail(reason, override));
    } else this.#limitOpen(this.#state);
    this.#tell();
  }

  /** Closes the circuit for `ms`: calls are recorded and no condition opens it; then the conditions apply again. */
  forceClosed(ms: number, reason: string, override?: HeldBy): void {
    const now = this.#look();
    if (!this.#force({ state: 'closed', until: now + ms, reason, override })) return;
    if (this.#state.kind !== 'closed') {
      this.#transition({ kind: 'closed', since: now }, 'forced-closed', detail(reason, override));
    }
    this.#tell();
  }

  #force(forced: Forced): boolean {
    if (forced.override === undefined && this.#past.forced?.override !== undefined) return false;
    this.#disturb();
    this.#hold(forced);
    return true;
  }

  /** Ends what an override forced, as if its time were over. */
  release(): void {
    const now = this.#look();
    if (this.#past.forced?.override === undefined) return;
    this.#disturb();
    this.#hold({ ...this.#past.forced, until: now });
    if (this.#state.kind === 'open') this.#limitOpen(this.#state);
    this.#look();
  }

  /** Ends a forced state and starts closed and empty, unless an override holds the circuit. The totals stay. */
  reset(why?: string): void {
    const now = this.#look();
    if (this.#past.forced?.override !== undefined) return;
    this.#hold(undefined);
    this.#startAfresh(now, 'manual-reset', why);
    this.#tell();
  }

  #startAfresh(now: number, reason: Reason, why?: string): void {
    this.#past = { ...this.#past, lastOpenMs: 0 };
    if (this.#state.kind !== 'closed' && this.#past.forced === undefined) {
      this.#transition({ kind: 'closed', since: now }, reason, why);
      return;
    }
    this.#generation++;
    this.#disturb();
    this.#inFlight?.clear();
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
      if (state.kind === 'closed') {
        if (this.#past.forced !== undefined && this.#past.forced.until <= now) this.#hold(undefined);
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
    const reason = this.#past.forced === undefined ? 'open-duration-over' : 'force-over';
    this.#past = { ...this.#past, forced: undefined, lastOpenMs: since - openedAt };
    if (this.#config.mode === 'Disabled') {
      this.#transition({ kind: 'closed', since }, reason);
    } else if (this.#config.strategy === 'Ramp') {
      this.#transition({ kind: 'half-open', since, probes: undefined, startedAt: undefined, succeeded: false }, reason);
    } else {
      const none = { calls: 0, failures: 0, slow: 0, successes: 0 };
      this.#transition({ kind: 'half-open', since, probes: new Set(), ...none }, reason);
    }
  }

  #limitOpen(state: Open): void {
    state.until = this.#past.forced?.until ?? state.since + openTimeMs(this.#config, state, this.#past.reopenings);
  }

  #open(now: number, reason: Reason, what: unknown): void {
    const state = this.#state;
    const { reopenings, lastOpenMs } = this.#past;
    const startsOver = state.kind === 'closed' && now - state.since >= lastOpenMs;
    this.#past = { ...this.#past, reopenings: startsOver ? 0 : reopenings + 1 };
    const asked = this.#config.honorRetryAfter ? retryAfterMs(what, () => this.#host.wallNow()) : 0;
    this.#transition({ kind: 'open', until: 0, since: now, retryAfterMs: asked, chance: this.#draw() }, reason);
  }

  #draw(): number | undefined {
    return this.#config.jitterPercent === 0 ? undefined : this.#host.random();
  }

  /** The only place where the state changes. */
  #transition(to: StateRecord, reason: Reason, detail?: string): void {
    const from = this.#state.kind;
    if (to.kind === 'open') this.#limitOpen(to);
    this.#state = to;
    this.#generation++;
    this.#disturb();
    this.#inFlight?.clear();
    if (to.kind === 'closed' || (to.kind === 'half-open' && to.probes === undefined)) this.#empty();
    const event = { from, to: to.kind, at: to.since, reason, ...(detail === undefined ? {} : { detail }) };
    const news = unheard.get(this);
    if (news === undefined) unheard.set(this, { events: [event], isTold: false });
    else news.events.push(event);
  }

  #tell(): void {
    const news = unheard.size === 0 ? undefined : unheard.get(this);
    if (news === undefined || news.isTold) return;
    news.isTold = true;
    // A listener that uses the breaker may add to the list; everybody hears everything in order.
    for (const event of news.events) this.#host.transitioned(event);
    unheard.delete(this);
  }
}

/** What listeners hear of why a state was forced. */
export const detail = (reason: string, override: HeldBy | undefined) =>
  override === undefined ? reason : `override "${override.name}": ${reason}`;

/** In times `slowerThan`: how long it matters whether the process stood still during a call. */
const LONGEST_JUDGED = 10;

function countsSlow({ slowMs, mode }: Config): boolean {
  return slowMs !== 0 && mode !== 'Disabled';
}
