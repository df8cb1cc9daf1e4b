import { FairShare } from '../limits/fair-share.ts';
import type { LimitLog } from '../limits/limit-log.ts';
import { LimitError } from '../limits/limits.ts';
import type { Snapshot } from './snapshot.ts';

/** How many agents of each namespace have which target. Different ones are bounded, and shared between namespaces. */
export class Targets {
  /** By namespace and revision. */
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
   * Whether an agent may be given a target; one that another agent has already costs nothing.
   *
   * @throws {LimitError} when it may not.
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

  /** One more agent has this target. */
  hold(namespace: string, { revision }: Snapshot): void {
    const key = keyOf(namespace, revision);
    const held = this.#agents.get(key) ?? 0;
    if (held === 0) this.#share.add(namespace, undefined);
    this.#agents.set(key, held + 1);
  }

  /** An agent has another target from now on, or is gone. */
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
