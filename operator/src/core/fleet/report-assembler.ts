import { MAX_REJECTION_MESSAGE, type Report } from '@fuseboard/schema';
import type { AgentDelivery } from '../delivery/agent-delivery.ts';
import type { OverrideUid, PolicyUid } from '../uid.ts';
import type { CountedRejection } from './rollout.ts';

/** The content of a report after all of its parts have arrived. */
export interface WholeReport {
  readonly rejections: ReadonlyMap<PolicyUid, CountedRejection>;
  readonly overrides: ReadonlySet<OverrideUid>;
  readonly guarded: Guarded;
}

/** What the code of an agent limits, such as `maxOpenDuration 1m`, by the uid of the policy or override. */
export type Guarded = ReadonlyMap<string, readonly string[]>;

const MAX_GUARD_TEXT = 48;

/** Assembles the reports of one agent. The parts of a report may arrive in any order and more than once. */
export class ReportAssembler {
  #sequence = 0;
  #parts = new Set<number>();
  #rejections = new Map<PolicyUid, CountedRejection>();
  #overrides: ReadonlySet<OverrideUid> = new Set();
  #guarded: Guarded = new Map();

  /** Registers a part. Returns false for a repeated part, or a part of an earlier report. */
  begin({ sequence, part }: Report): boolean {
    if (sequence < this.#sequence) return false;
    if (sequence > this.#sequence) {
      this.#sequence = sequence;
      this.#parts = new Set();
      this.#rejections = new Map();
      this.#overrides = new Set();
      this.#guarded = new Map();
    }
    if (this.#parts.has(part)) return false;
    this.#parts.add(part);
    return true;
  }

  /**
   * Adds the rejections, overrides and limits of a new part. Policies and overrides that were never sent to the agent
   * are ignored.
   *
   * @returns the complete report; undefined while parts are missing.
   */
  add(report: Report, delivery: AgentDelivery, agent: string): WholeReport | undefined {
    const spokenOf = delivery.recentlySent(report.revision);
    for (const { uid, field, message } of report.rejections) {
      const entry = spokenOf?.entries.get(uid);
      if (!entry) continue;
      const cut = message.slice(0, MAX_REJECTION_MESSAGE);
      this.#rejections.set(uid, { agent, field, message: cut, digest: entry.digest });
    }
    if (report.overrides) {
      this.#overrides = new Set(
        report.overrides.filter((uid) => delivery.sent.some(({ overrides }) => overrides.has(uid))),
      );
    }
    if (report.guarded) {
      const guarded = new Map<string, string[]>();
      for (const { uid, by, limit } of report.guarded) {
        if (!spokenOf?.entries.has(uid) && !delivery.sent.some(({ overrides }) => overrides.has(uid))) continue;
        const text = (limit === undefined ? by : `${by} ${limit}`).slice(0, MAX_GUARD_TEXT);
        const texts = guarded.get(uid) ?? [];
        if (!texts.includes(text)) guarded.set(uid, [...texts, text]);
      }
      this.#guarded = guarded;
    }
    if (this.#parts.size < report.parts) return undefined;
    const whole = { rejections: this.#rejections, overrides: this.#overrides, guarded: this.#guarded };
    this.#rejections = new Map();
    return whole;
  }
}
