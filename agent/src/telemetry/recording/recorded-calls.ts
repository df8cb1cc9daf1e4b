import type { Circuit, Host } from '../../core/circuit.ts';
import { errorStatus, type Outcome, resultStatus } from '../../core/classify.ts';
import { type Clock, exactNow } from '../../core/clock.ts';
import type { CallObserver } from '../../core/observers/call-observer.ts';
import { fuseboardErrorOf } from '../../errors/errors.ts';
import { type CallRing, kindOf, NOTHING_SEEN, namesOf, OUTCOME_CODES } from './call-ring.ts';
import { NO_NAME } from './name-ids.ts';
import type { Recorder } from './recorder.ts';

/** Interval for comparing the clock of breakers with the wall clock. */
const COMPARE_EVERY_MS = 1_000;
/** A smaller change of the difference comes from the precision of the two clocks, not from a jump of the wall clock. */
const JUMP_MS = 20;

/** The upper eight bits of a 32-bit hash, which depend on all of its bits. */
const HASH_SHIFT = 24;
const HASH_FACTOR = 0x9e3779b1;
const LAST_IDS = 2 ** (32 - HASH_SHIFT);

const REJECTED = kindOf(OUTCOME_CODES.rejected, NOTHING_SEEN, true);

/** Valid kinds of errors: a single word, so that no message is recorded. */
const KIND = /^[\w.:$-]{1,100}$/;

/** What is known of a clock of breakers. */
interface ComparedClock {
  readonly clock: Clock;
  /** Milliseconds since 1970 at time zero of the clock. */
  zero: number;
  /** When it is compared with the wall clock again. */
  compareAt: number;
}

/** What the calls of a circuit have in common, while it has this configuration. */
interface CircuitIds {
  readonly circuit: Circuit;
  readonly config: Circuit['config'];
  /** Copies from the compared clock, as each further object that a call reads costs it time. */
  readonly zero: number;
  readonly compareAt: number;
  readonly names: number;
  /** The kind of a call that succeeded and of which nothing was seen. The code of another outcome is added. */
  readonly kind: number;
}

/** Passes the calls of all breakers to a recorder. */
export class RecordedCalls implements CallObserver {
  readonly #recorder: Recorder;
  readonly #ring: CallRing;
  /** The most recent lookups, by a hash of the slot. A lookup costs more than the rest of a recording. */
  readonly #lastIds = new Array<CircuitIds | undefined>(LAST_IDS).fill(undefined);
  readonly #clocks = new WeakMap<Clock, ComparedClock>();

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
    this.#ring = recorder.ring;
  }

  settled(
    circuit: Circuit,
    host: Host,
    startedAt: number,
    tookMs: number,
    outcome: Outcome,
    what: unknown,
    threw: boolean,
  ): void {
    const ids = this.#idsOf(circuit, host, startedAt + tookMs);
    if (ids === undefined) return;
    let { kind } = ids;
    if (outcome !== 'success') kind += OUTCOME_CODES[outcome];
    if (typeof what === 'object' && what !== null) kind += kindOf(0, this.#seen(what, threw) - NOTHING_SEEN, false);
    this.#add(startedAt + ids.zero, tookMs, kind, ids.names);
  }

  rejected(circuit: Circuit, host: Host, now: number): void {
    const ids = this.#idsOf(circuit, host, now);
    if (ids !== undefined) this.#add(now + ids.zero, 0, REJECTED, ids.names);
  }

  #add(start: number, durationMs: number, kind: number, names: number): void {
    if (!this.#ring.push(start, durationMs, kind, names)) this.#recorder.hurry(start, durationMs, kind, names);
  }

  #idsOf(circuit: Circuit, host: Host, now: number): CircuitIds | undefined {
    const ids = this.#lastIds[placeOf(circuit)];
    return ids?.circuit === circuit && ids.config === circuit.config && now < ids.compareAt
      ? ids
      : this.#lookUp(circuit, host, now);
  }

  #lookUp(circuit: Circuit, host: Host, now: number): CircuitIds | undefined {
    const { name, key, clock } = host;
    if (name === undefined) return undefined;
    const { config } = circuit;
    const recorder = this.#recorder;
    const names = namesOf(recorder.nameId(name), key === undefined ? NO_NAME : recorder.nameId(key));
    const inForce = config.mode === 'Enforce' && config.trip.conditions.length > 0;
    let compared = this.#clocks.get(clock);
    if (compared === undefined) {
      compared = { clock, zero: Number.NEGATIVE_INFINITY, compareAt: Number.NEGATIVE_INFINITY };
      this.#clocks.set(clock, compared);
    }
    if (now >= compared.compareAt) compare(compared, host);
    const { zero, compareAt } = compared;
    const kind = kindOf(OUTCOME_CODES.success, NOTHING_SEEN, inForce);
    const ids = { circuit, config, zero, compareAt, names, kind };
    this.#lastIds[placeOf(circuit)] = ids;
    return ids;
  }

  /** The status or the kind of error that was seen. The object belongs to the service, and reading it may throw. */
  #seen(what: object, threw: boolean): number {
    try {
      // The status of an error of ours is meant for clients of the service; it does not come from a dependency.
      const own = threw ? fuseboardErrorOf(what) : undefined;
      if (own !== undefined) return this.#recorder.errorId(own.code);
      const status = threw ? errorStatus(what) : resultStatus(what);
      if (status !== undefined) return status;
      const kind = threw ? errorKind(what) : undefined;
      return kind === undefined ? NOTHING_SEEN : this.#recorder.errorId(kind);
    } catch {
      return NOTHING_SEEN;
    }
  }
}

/**
 * Compares a clock with the wall clock. Small differences are ignored, so that distances between calls stay as
 * measured.
 */
function compare(compared: ComparedClock, host: Host): void {
  const now = exactNow(compared.clock);
  const zero = host.wallNow() - now;
  if (Math.abs(zero - compared.zero) > JUMP_MS) compared.zero = zero;
  compared.compareAt = now + COMPARE_EVERY_MS;
}

const placeOf = ({ slot }: Circuit): number => Math.imul(slot, HASH_FACTOR) >>> HASH_SHIFT;

/** The code of an error, or else its name or class. */
function errorKind(error: { readonly code?: unknown; readonly name?: unknown }): string | undefined {
  const { code, name } = error;
  return [code, name, error.constructor?.name]
    .map((each) => (typeof each === 'number' ? String(each) : each))
    .find((each): each is string => typeof each === 'string' && KIND.test(each));
}
