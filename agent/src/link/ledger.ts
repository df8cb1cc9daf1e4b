import { MAX_TRANSITIONS } from '@fuseboard/schema/defaults';
import type { BreakerReport, Rejection } from '@fuseboard/schema/types';
import type { BreakerIdentity } from '../errors/codes.ts';

const MAX_ENTRIES = 1_000;
const MAX_REJECTIONS = 100;
/**
 * Maximum number of stored keys, and of breakers with stored transitions. The key reported least recently is removed
 * first; of the transitions, those of the key that changed least recently.
 */
const MAX_KEYS = 5_000;

type Totals = BreakerReport['totals'];
type State = BreakerReport['state'];

/** The fields of a breaker that a report needs. */
export interface ReportedBreaker extends BreakerIdentity {
  stats(): {
    readonly state: State;
    readonly mode: string;
    /** The forced state, which rejects calls in every mode. */
    readonly forced?: { readonly override?: { readonly uid: string } | undefined } | undefined;
    /** Whether any call enabled the fallback of the policy. */
    readonly optedIn?: boolean | undefined;
    readonly uid?: string | undefined;
    readonly sinceMs: number;
    /** The last failure; absent when not known. */
    readonly lastError?: { readonly name: string; readonly message: string } | undefined;
    readonly totals: Readonly<Totals>;
    readonly latency: readonly number[];
  };
}

/** A state change, in monotonic time. */
export interface StateChange {
  readonly from: State;
  readonly to: State;
  readonly at: number;
  readonly reason: string;
}

interface AcknowledgedStats {
  readonly fingerprint: string;
  readonly totals: Totals;
  readonly latency: readonly number[];
}

/** An entry of a report. `acknowledge` is called once the report is answered. */
export interface ReportEntry {
  readonly report: BreakerReport;
  /** Size of the JSON entry, in bytes. */
  readonly size: number;
  acknowledge(): void;
}

/**
 * What outlives a link, because the next link of the process reports on from there.
 *
 * @internal
 */
export interface LedgerHolder {
  /** Absent until a link has connected for the first time. */
  ledger?: Ledger;
}

/**
 * The counts of each breaker that the operator has acknowledged. All others are reported again, so that no count is
 * lost or reported twice. A process has one ledger, however often its link is started.
 */
export class Ledger {
  /** 128 random bits in hex that identify this process. */
  readonly boot: string;
  #sequence = 0;
  readonly #acknowledged = new Map<string, AcknowledgedStats>();
  readonly #changes = new Map<string, StateChange[]>();
  #keys = 0;

  constructor(boot: string) {
    this.boot = boot;
  }

  /** One more than for the report before. */
  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  changed(breaker: BreakerIdentity, { from, to, at, reason }: StateChange): void {
    const id = idOf(breaker);
    const changes = this.#changes.get(id) ?? [];
    changes.push({ from, to, at, reason });
    if (changes.length > MAX_TRANSITIONS) changes.shift();
    this.#changes.delete(id);
    this.#changes.set(id, changes);
    // A key is also removed while no operator answers; nothing else would remove its transitions then.
    if (this.#changes.size > MAX_KEYS) removeFirstKey(this.#changes);
  }

  /** Whether the circuit of a key has a transition that the operator has not acknowledged. */
  isPending(name: string, key: string): boolean {
    return this.#changes.has(idOf({ name, key }));
  }

  /** The entries of the next report: breakers that changed since the last answer, or every breaker with `all`. */
  entries(breakers: Iterable<ReportedBreaker>, all: boolean, now: number): ReportEntry[] {
    // Reading a breaker can end its open state. This report must include that transition, so all are read first.
    const read = [...breakers].map((breaker) => ({ breaker, stats: breaker.stats() }));
    const entries: ReportEntry[] = [];
    for (const { breaker, stats } of read) {
      const { name, key } = breaker;
      const id = idOf(breaker);
      const before = this.#acknowledged.get(id);
      const changes = [...(this.#changes.get(id) ?? [])];
      const totals = { ...stats.totals };
      const latency = trimmed(stats.latency);
      const shadow = stats.mode === 'Shadow' && stats.forced === undefined;
      const override = stats.forced?.override?.uid;
      // Left out under the defaults in code, and for each key, because the breaker's own entry contains it.
      const optedIn = stats.uid === undefined || key !== undefined ? undefined : stats.optedIn;
      const fingerprint = `${stats.state} ${stats.uid ?? ''} ${shadow} ${optedIn} ${override}`;
      const same =
        before !== undefined &&
        before.fingerprint === fingerprint &&
        (key === undefined || stats.state === 'closed') &&
        changes.length === 0 &&
        (Object.keys(totals) as (keyof Totals)[]).every((key) => totals[key] === before.totals[key]);
      if (same && !all) continue;
      const report: BreakerReport = {
        name,
        ...(key === undefined ? {} : { key }),
        ...(stats.uid === undefined ? {} : { uid: stats.uid }),
        state: stats.state,
        ...(override === undefined ? {} : { override }),
        ...(shadow ? { shadow } : {}),
        ...(optedIn === undefined ? {} : { optedIn }),
        since: Math.max(0, Math.round(stats.sinceMs)),
        ...(stats.state === 'closed' || stats.lastError === undefined ? {} : { lastError: { ...stats.lastError } }),
        totals,
        ...(before ? { base: before.totals } : {}),
        ...(latency.length > 0 ? { latency } : {}),
        ...(before && before.latency.length > 0 ? { baseLatency: [...before.latency] } : {}),
        ...(changes.length > 0 ? { transitions: changes.map((change) => transitionReport(change, now)) } : {}),
      };
      entries.push({
        report,
        size: Buffer.byteLength(JSON.stringify(report)),
        acknowledge: () => {
          this.#remember(id, key !== undefined, { fingerprint, totals, latency });
          const rest = (this.#changes.get(id) ?? []).filter((change) => !changes.includes(change));
          if (rest.length > 0) this.#changes.set(id, rest);
          else this.#changes.delete(id);
        },
      });
    }
    return entries;
  }

  #remember(id: string, isKey: boolean, answered: AcknowledgedStats): void {
    if (isKey && !this.#acknowledged.delete(id)) this.#keys += 1;
    this.#acknowledged.set(id, answered);
    if (this.#keys <= MAX_KEYS) return;
    removeFirstKey(this.#acknowledged);
    this.#keys -= 1;
  }
}

/** Removes the entry of the first key; those of breakers stay. */
function removeFirstKey(entries: Map<string, unknown>): void {
  for (const id of entries.keys()) if (id.includes('\n')) return void entries.delete(id);
}

/** The id of a breaker or key. It is unambiguous, because a name has no line break. */
function idOf({ name, key }: BreakerIdentity): string {
  return key === undefined ? name : `${name}\n${key}`;
}

const transitionReport = ({ from, to, at, reason }: StateChange, now: number) => ({
  from,
  to,
  agoMs: Math.max(0, Math.round(now - at)),
  reason: reason.slice(0, 64),
});

function trimmed(buckets: readonly number[]): number[] {
  let length = buckets.length;
  while (length > 0 && buckets[length - 1] === 0) length -= 1;
  return buckets.slice(0, length);
}

/** The content of one request. */
export interface ReportPart {
  readonly entries: ReportEntry[];
  readonly rejections: Rejection[];
}

/** Splits a report into parts of less than `maxBytes` bytes of JSON. There is at least one part. */
export function splitReport(
  entries: readonly ReportEntry[],
  rejections: readonly Rejection[],
  maxBytes: number,
): ReportPart[] {
  let part: ReportPart = { entries: [], rejections: [] };
  let bytes = 0;
  const all = [part];
  const fit = (size: number, full: () => boolean) => {
    if (bytes > 0 && (bytes + size >= maxBytes || full())) {
      part = { entries: [], rejections: [] };
      bytes = 0;
      all.push(part);
    }
    bytes += size + 1;
  };
  for (const rejection of rejections) {
    fit(Buffer.byteLength(JSON.stringify(rejection)), () => part.rejections.length >= MAX_REJECTIONS);
    part.rejections.push(rejection);
  }
  for (const entry of entries) {
    fit(entry.size, () => part.entries.length >= MAX_ENTRIES);
    part.entries.push(entry);
  }
  return all;
}
