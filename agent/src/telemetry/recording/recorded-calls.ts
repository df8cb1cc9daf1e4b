import type { Circuit, Host } from '../../core/circuit.ts';
import { errorStatus, type Outcome, resultStatus } from '../../core/classify.ts';
import { type Clock, exactNow } from '../../core/clock.ts';
import type { CallObserver } from '../../core/observers/call-observer.ts';
import { fuseboardErrorOf } from '../../errors/errors.ts';
import { NOTHING_SEEN, OUTCOME_CODES, type OutcomeCode } from './call-ring.ts';
import { NO_NAME } from './name-ids.ts';
import type { Recorder } from './recorder.ts';

/** Interval for comparing the clock of breakers with the wall clock. */
const COMPARE_EVERY_MS = 1_000;
/** A smaller change of the difference comes from the precision of the two clocks, not from a jump of the wall clock. */
const JUMP_MS = 20;

/** The upper eight bits of a 32-bit hash, which depend on all of its bits. */
const HASH_SHIFT = 24;
const LAST_IDS = 2 ** (32 - HASH_SHIFT);

/** Valid kinds of errors: a single word, so that no message is recorded. */
const KIND = /^[\w.:$-]{1,100}$/;

interface CircuitIds {
  readonly host: Host;
  readonly breaker: number;
  readonly key: number;
}

/** Passes the calls of all breakers to a recorder. */
export class RecordedCalls implements CallObserver {
  readonly #recorder: Recorder;
  readonly #ids = new WeakMap<Host, CircuitIds>();
  /** The most recent lookups, by the hash of the breaker. A lookup costs as much as the rest of a recording. */
  readonly #lastIds = new Array<CircuitIds | undefined>(LAST_IDS).fill(undefined);
  #clock: Clock | undefined;
  /** Milliseconds since 1970 at time zero of the clock. */
  #zero = 0;
  #comparedAt = 0;

  constructor(recorder: Recorder) {
    this.#recorder = recorder;
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
    const { config } = circuit;
    // The thrown or returned value belongs to the service, and reading it may throw.
    try {
      this.#record(
        circuit,
        host,
        startedAt,
        tookMs,
        OUTCOME_CODES[outcome],
        this.#seen(what, threw),
        config.mode === 'Enforce' && config.trip.conditions.length > 0,
      );
    } catch {
      // The call continues without a record.
    }
  }

  rejected(circuit: Circuit, host: Host, now: number): void {
    try {
      this.#record(circuit, host, now, 0, OUTCOME_CODES.rejected, NOTHING_SEEN, true);
    } catch {
      // The call continues without a record.
    }
  }

  #record(
    circuit: Circuit,
    host: Host,
    start: number,
    durationMs: number,
    outcome: OutcomeCode,
    seen: number,
    inForce: boolean,
  ): void {
    let ids = this.#lastIds[circuit.hash >>> HASH_SHIFT];
    if (ids === undefined || ids.host !== host) ids = this.#lookUp(circuit, host);
    if (ids === undefined) return;
    const { clock } = host;
    if (clock !== this.#clock || start + durationMs - this.#comparedAt >= COMPARE_EVERY_MS) this.#compare(host);
    this.#recorder.record(start + this.#zero, durationMs, outcome, seen, ids.breaker, ids.key, inForce);
  }

  #lookUp({ hash }: Circuit, host: Host): CircuitIds | undefined {
    const { name, key } = host;
    if (name === undefined) return undefined;
    let ids = this.#ids.get(host);
    if (ids === undefined) {
      const recorder = this.#recorder;
      ids = { host, breaker: recorder.nameId(name), key: key === undefined ? NO_NAME : recorder.nameId(key) };
      this.#ids.set(host, ids);
    }
    this.#lastIds[hash >>> HASH_SHIFT] = ids;
    return ids;
  }

  /** Compares both clocks. Small differences are ignored, so that distances between calls stay as measured. */
  #compare(host: Host): void {
    const { clock } = host;
    const now = exactNow(clock);
    const zero = host.wallNow() - now;
    if (clock !== this.#clock || Math.abs(zero - this.#zero) > JUMP_MS) this.#zero = zero;
    this.#clock = clock;
    this.#comparedAt = now;
  }

  #seen(what: unknown, threw: boolean): number {
    if (typeof what !== 'object' || what === null) return NOTHING_SEEN;
    // The status of an error of ours is meant for clients of the service; it does not come from a dependency.
    const own = threw ? fuseboardErrorOf(what) : undefined;
    if (own !== undefined) return this.#recorder.errorId(own.code);
    const status = threw ? errorStatus(what) : resultStatus(what);
    if (status !== undefined) return status;
    const kind = threw ? kindOf(what) : undefined;
    return kind === undefined ? NOTHING_SEEN : this.#recorder.errorId(kind);
  }
}

/** The code of an error, or else its name or class. */
function kindOf(error: { readonly code?: unknown; readonly name?: unknown }): string | undefined {
  const { code, name } = error;
  return [code, name, error.constructor?.name]
    .map((each) => (typeof each === 'number' ? String(each) : each))
    .find((each): each is string => typeof each === 'string' && KIND.test(each));
}
