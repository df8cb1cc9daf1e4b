import { MAX_REJECTIONS } from '@fuseboard/schema';
import type { Snapshot } from '../delivery/snapshot.ts';

export interface AgentCounts {
  matched: number;
  applied: number;
  rejected: number;
  stale: number;
  /** Agents that have the current version, but run it within limits of their code. Absent: none. */
  guarded?: number;
}

export interface AgentRejection {
  readonly agent: string;
  readonly field: string;
  readonly message: string;
}

/** A rejection, with the version of the rejected policy. */
export interface CountedRejection extends AgentRejection {
  readonly digest: string;
}

const NONE: AgentCounts = { matched: 0, applied: 0, rejected: 0, stale: 0 };

/**
 * Counts the agents that have each policy. Agents with the same target and the same applied snapshot are counted
 * together, so that the cost grows with the number of snapshots, not with agents times policies.
 */
export class Rollout {
  readonly #counts = new Map<string, AgentCounts>();
  readonly #rejections = new Map<string, AgentRejection[]>();
  readonly #guarded = new Map<string, number>();
  readonly #groups = new Map<Snapshot, Map<Snapshot | undefined, { live: number; stale: number }>>();

  /**
   * Adds an agent with the target `target` and the applied snapshot `applied`.
   *
   * @param guarded by uid, the policies that the agent runs within limits of its code.
   */
  add(
    target: Snapshot,
    applied: Snapshot | undefined,
    stale: boolean,
    rejections: ReadonlyMap<string, CountedRejection>,
    guarded: ReadonlyMap<string, unknown>,
  ): void {
    for (const uid of stale ? [] : guarded.keys()) {
      const wanted = target.entries.get(uid);
      const runs = wanted !== undefined && !wanted.hold && applied?.entries.get(uid)?.digest === wanted.digest;
      if (runs && rejections.get(uid)?.digest !== wanted.digest)
        this.#guarded.set(uid, (this.#guarded.get(uid) ?? 0) + 1);
    }
    if (rejections.size > 0 && !stale) {
      this.#count(target, applied, 1, 0, rejections);
      return;
    }
    const byApplied = this.#groups.get(target) ?? new Map<Snapshot | undefined, { live: number; stale: number }>();
    this.#groups.set(target, byApplied);
    const agents = byApplied.get(applied) ?? { live: 0, stale: 0 };
    byApplied.set(applied, agents);
    agents[stale ? 'stale' : 'live'] += 1;
  }

  /** Computes the counts of all added agents. Call it once, before any read. */
  countAll(): void {
    for (const [target, byApplied] of this.#groups) {
      for (const [applied, { live, stale }] of byApplied) this.#count(target, applied, live, stale);
    }
    this.#groups.clear();
  }

  agents(uid: string): AgentCounts {
    const counts = this.#counts.get(uid) ?? NONE;
    const guarded = this.#guarded.get(uid);
    return guarded === undefined ? counts : { ...counts, guarded };
  }

  /** Up to `MAX_REJECTIONS` rejections of a policy. */
  rejections(uid: string): readonly AgentRejection[] {
    return this.#rejections.get(uid) ?? [];
  }

  #count(
    target: Snapshot,
    applied: Snapshot | undefined,
    live: number,
    stale: number,
    rejections?: ReadonlyMap<string, CountedRejection>,
  ): void {
    for (const { uid, digest, hold } of target.entries.values()) {
      const counted = this.#counts.get(uid) ?? { ...NONE };
      this.#counts.set(uid, counted);
      counted.matched += live + stale;
      counted.stale += stale;
      const rejection = rejections?.get(uid);
      if (rejection?.digest === digest) {
        counted.rejected += live;
        this.#list(uid, rejection);
      } else if (!hold && applied?.entries.get(uid)?.digest === digest) counted.applied += live;
    }
  }

  #list(uid: string, { agent, field, message }: CountedRejection): void {
    const listed = this.#rejections.get(uid) ?? [];
    if (listed.length < MAX_REJECTIONS) listed.push({ agent, field, message });
    this.#rejections.set(uid, listed);
  }
}
