import { MAX_REJECTION_MESSAGE, type Report } from '@fuseboard/schema';
import type { AgentDelivery } from '../delivery/agent-delivery.ts';
import type { OverrideUid, PolicyUid } from '../uid.ts';
import type { CountedRejection } from './rollout.ts';

/** What a report says once all of its parts are here. */
export interface WholeReport {
  readonly rejections: ReadonlyMap<PolicyUid, CountedRejection>;
  readonly overrides: ReadonlySet<OverrideUid>;
}

/** Puts the reports of one agent together: a report comes in parts, in any order, and each of them more than once. */
export class ReportAssembler {
  #sequence = 0;
  #parts = new Set<number>();
  #rejections = new Map<PolicyUid, CountedRejection>();
  #overrides: ReadonlySet<OverrideUid> = new Set();

  /** Takes a part for new; returns false for one that was here before, or that is of an earlier report. */
  begin({ sequence, part }: Report): boolean {
    if (sequence < this.#sequence) return false;
    if (sequence > this.#sequence) {
      this.#sequence = sequence;
      this.#parts = new Set();
      this.#rejections = new Map();
      this.#overrides = new Set();
    }
    if (this.#parts.has(part)) return false;
    this.#parts.add(part);
    return true;
  }

  /**
   * Adds what a new part says of policies and overrides that were sent to the agent.
   *
   * @returns the whole report; undefined while parts are missing.
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
    if (this.#parts.size < report.parts) return undefined;
    const whole = { rejections: this.#rejections, overrides: this.#overrides };
    this.#rejections = new Map();
    return whole;
  }
}
