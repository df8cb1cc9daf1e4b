import { addPending, type PendingChange, splitApplied } from './pending-changes.ts';
import type { Snapshot } from './snapshot.ts';

/** How many snapshots an agent may lag behind. Reports about older snapshots are not recognised. */
const SNAPSHOTS_KEPT = 4;

const NO_SNAPSHOTS: readonly Snapshot[] = [];

const NO_CHANGES: readonly PendingChange[] = [];

/** The target, the sent snapshots and the reported revision of one agent. Each call gets the time, in ms. */
export class AgentDelivery {
  #target: Snapshot | undefined;
  /** Whether the newest snapshot for the agent is too large to be sent. */
  #tooLarge = false;
  #sent = NO_SNAPSHOTS;
  #pending = NO_CHANGES;
  #revision: string | undefined;
  #behindSince: number | undefined;

  /** The agent's target snapshot; while the newest is too large to be sent, the target before it. */
  get target(): Snapshot | undefined {
    return this.#target;
  }

  /** The recently sent snapshots, the newest last. Reports may refer to the policies of any of them. */
  get sent(): readonly Snapshot[] {
    return this.#sent;
  }

  /** The revision that the agent reports. */
  get revision(): string | undefined {
    return this.#revision;
  }

  /** The sent snapshot with the reported revision; undefined when the agent reports another revision. */
  get applied(): Snapshot | undefined {
    return this.recentlySent(this.#revision);
  }

  /** Since when the agent has not confirmed its target; undefined once it has. */
  get behindSince(): number | undefined {
    return this.#behindSince;
  }

  setTarget(snapshot: Snapshot, now: number): void {
    this.#target = snapshot;
    this.#tooLarge = false;
    this.#updateBehind(now);
  }

  /** Records that the newest snapshot is too large to be sent. The agent keeps its target. */
  markTooLarge(now: number): void {
    this.#tooLarge = true;
    this.#updateBehind(now);
  }

  /** Starts to measure the time until the agent applies a target, from `seenAt`, when the operator saw the change. */
  expectApplied({ revision }: Snapshot, seenAt: number): void {
    this.#pending = addPending(this.#pending, { revision, seenAt });
  }

  /** Records a snapshot that is being sent to the agent, or that the agent has confirmed. */
  addSent(snapshot: Snapshot, steps: SentSteps): void {
    this.#sent = steps.next(this.#sent, this.#revision, snapshot);
  }

  /** The recently sent snapshot with this revision. */
  recentlySent(revision: string | undefined): Snapshot | undefined {
    return this.#sent.find((snapshot) => snapshot.revision === revision);
  }

  /** Records the revision that the agent reports. */
  setRevision(revision: string | undefined, now: number): void {
    this.#revision = revision;
    this.#updateBehind(now);
  }

  /**
   * Records that the agent has run a revision since `appliedAt`.
   *
   * @returns the propagation time of each change that the revision includes, in ms.
   */
  recordApplied(revision: string, appliedAt: number): readonly number[] {
    const { tookMs, left } = splitApplied(this.#pending, revision, appliedAt);
    this.#pending = left;
    return tookMs;
  }

  /** The name of a policy that was sent recently; absent for any other. */
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

/** Builds the lists of sent snapshots. Consecutive agents with the same change share one list. */
export class SentSteps {
  #last:
    | { from: readonly Snapshot[]; revision: string | undefined; snapshot: Snapshot; to: readonly Snapshot[] }
    | undefined;

  /** `from` with one more snapshot. The snapshot of `revision`, which the agent runs, is never dropped. */
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
