import { addPending, type PendingChange, takeApplied } from './pending-changes.ts';
import type { Snapshot } from './snapshot.ts';

/** How many snapshots an agent may lag behind before what it reports about older ones is not recognised. */
const SNAPSHOTS_KEPT = 4;

const NO_SNAPSHOTS: readonly Snapshot[] = [];

const NO_CHANGES: readonly PendingChange[] = [];

/** What one agent should run, what it was sent, and what it says it runs. Time is given with each call, in ms. */
export class AgentDelivery {
  #target: Snapshot | undefined;
  /** Whether what it should run is too large to be sent. */
  #tooLarge = false;
  #sent = NO_SNAPSHOTS;
  #pending = NO_CHANGES;
  #revision: string | undefined;
  #behindSince: number | undefined;

  /** The agent's target snapshot; while the newest is too large to be sent, the target before it. */
  get target(): Snapshot | undefined {
    return this.#target;
  }

  /** What was sent lately, the newest last: it may speak of the policies in these. */
  get sent(): readonly Snapshot[] {
    return this.#sent;
  }

  /** The revision that it says it runs. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** What it says it runs, when that is something it was sent. */
  get applied(): Snapshot | undefined {
    return this.recentlySent(this.#revision);
  }

  /** Since when it does not show that it runs what it should; undefined while it does. */
  get behindSince(): number | undefined {
    return this.#behindSince;
  }

  setTarget(snapshot: Snapshot, now: number): void {
    this.#target = snapshot;
    this.#tooLarge = false;
    this.#updateBehind(now);
  }

  /** What it should run is too large to be sent; it keeps what it has. */
  markTooLarge(now: number): void {
    this.#tooLarge = true;
    this.#updateBehind(now);
  }

  /** A change that the operator saw at `seenAt` led to this target: the time until it is applied is taken. */
  expectApplied({ revision }: Snapshot, seenAt: number): void {
    this.#pending = addPending(this.#pending, { revision, seenAt });
  }

  /** A snapshot is on its way to the agent, or the agent showed that it has it. */
  addSent(snapshot: Snapshot, steps: SentSteps): void {
    this.#sent = steps.next(this.#sent, this.#revision, snapshot);
  }

  /** A snapshot with this revision that was sent lately. */
  recentlySent(revision: string | undefined): Snapshot | undefined {
    return this.#sent.find((snapshot) => snapshot.revision === revision);
  }

  /** The agent says which revision it runs. */
  setRevision(revision: string | undefined, now: number): void {
    this.#revision = revision;
    this.#updateBehind(now);
  }

  /**
   * The agent says that it runs a revision since `appliedAt`.
   *
   * @returns how long each change took that it holds, in ms.
   */
  takeApplied(revision: string, appliedAt: number): readonly number[] {
    const { tookMs, left } = takeApplied(this.#pending, revision, appliedAt);
    this.#pending = left;
    return tookMs;
  }

  /** The name of a policy that was sent; absent for any other. */
  policyName(uid: string): string | undefined {
    for (const { entries } of this.#sent) {
      const entry = entries.get(uid);
      if (entry) return entry.name;
    }
    return undefined;
  }

  #updateBehind(now: number): void {
    if (!this.#tooLarge && this.#revision === this.#target?.revision) this.#behindSince = undefined;
    else this.#behindSince ??= now;
  }
}

/** Makes the lists of what was sent. Agents that make the same step one after the other hold the same list. */
export class SentSteps {
  #last:
    | { from: readonly Snapshot[]; revision: string | undefined; snapshot: Snapshot; to: readonly Snapshot[] }
    | undefined;

  /** `from` with one more snapshot; that of `revision`, which the agent runs, stays. */
  next(from: readonly Snapshot[], revision: string | undefined, snapshot: Snapshot): readonly Snapshot[] {
    const last = this.#last;
    if (last?.from === from && last.snapshot === snapshot && last.revision === revision) return last.to;
    const others = from.filter((one) => one.revision !== snapshot.revision);
    const kept = others.filter((one, i) => one.revision === revision || i >= others.length - SNAPSHOTS_KEPT);
    const to = [...kept, snapshot];
    this.#last = { from, revision, snapshot, to };
    return to;
  }
}
