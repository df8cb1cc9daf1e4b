import type { OverrideEvent } from '@fuseboard/schema/types';
import { RouteIndex } from './routes.ts';

/** What somebody decided for some breakers until its end. */
export interface Override extends Readonly<OverrideEvent> {
  /** When it ends, on the monotonic clock of this process. */
  readonly endsAt: number;
}

/** The overrides of a process: which one holds a breaker, and which resets are still to be done. */
export class Overrides {
  #held: ReadonlyMap<string, Override> = new Map();
  #index = new RouteIndex([]);
  /** Resets that were done and may be told of again. */
  #done: ReadonlySet<string> = new Set();

  /** Takes all that there are now; returns the resets that this process has not done yet. */
  take(all: readonly Override[], now: number): Override[] {
    const newestFirst = all
      .filter(({ endsAt }) => endsAt > now)
      .sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
    const isReset = ({ action }: Override) => action === 'Reset';
    const resets = newestFirst.filter(isReset);
    const due = resets.filter(({ uid }) => !this.#done.has(uid));
    this.#done = new Set(resets.map(({ uid }) => uid));
    const holding = newestFirst.filter((override) => !isReset(override));
    this.#held = new Map(holding.map((override) => [override.uid, override]));
    this.#index = indexOf(holding);
    return due;
  }

  /** What holds the breaker of this name: of several the newest. */
  holding(name: string): Override | undefined {
    const uid = this.#held.size === 0 ? undefined : this.#index.uidFor(name);
    return uid === undefined ? undefined : this.#held.get(uid);
  }
}

/** Finds the first of these that names a breaker. */
export const indexOf = (overrides: readonly Override[]) =>
  new RouteIndex(overrides.flatMap(({ breakers, uid }) => breakers.map((pattern) => [pattern, uid] as const)));
