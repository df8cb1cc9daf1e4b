import { FairShare } from '../limits/fair-share.ts';
import type { LimitLog } from '../limits/limit-log.ts';
import { LimitError } from '../limits/limits.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * Counts the agents of each namespace by target. The number of distinct targets is limited and shared between
 * namespaces.
 */
export class Targets {
  /** Number of agents by namespace and revision. */
  readonly #agents = new Map<string, number>();
  readonly #share: FairShare;
  readonly #limits: LimitLog;
  readonly #most: number;

  constructor(most: number, limits: LimitLog) {
    this.#most = most;
    this.#limits = limits;
    this.#share = new FairShare({ total: most });
  }

  /**
   * Checks that an agent may get a target. A target that another agent already has takes no further room.
   *
   * @throws {LimitError} when there is no room.
   */
  checkRoomFor(namespace: string, { revision }: Snapshot): void {
    if (this.#agents.has(keyOf(namespace, revision))) return;
    if (this.#share.take(namespace, undefined) !== undefined) {
      this.#limits.reached('snapshots', { namespace });
      throw new LimitError(
        'snapshots',
        `the labels of this agent need one more set of policies, and there are ${this.#most} at most; see --max-snapshots`,
      );
    }
    this.#share.release(namespace, undefined);
  }

  /** Counts one more agent with this target. */
  hold(namespace: string, { revision }: Snapshot): void {
    const key = keyOf(namespace, revision);
    const held = this.#agents.get(key) ?? 0;
    if (held === 0) this.#share.add(namespace, undefined);
    this.#agents.set(key, held + 1);
  }

  /** Counts one agent less with this target. */
  release(namespace: string, { revision }: Snapshot): void {
    const key = keyOf(namespace, revision);
    const left = (this.#agents.get(key) ?? 0) - 1;
    if (left > 0) this.#agents.set(key, left);
    else {
      this.#agents.delete(key);
      this.#share.release(namespace, undefined);
    }
  }
}

const keyOf = (namespace: string, revision: string) => `${namespace} ${revision}`;
