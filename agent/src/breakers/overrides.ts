import type { OverrideEvent } from '@fuseboard/schema/types';
import { RouteIndex } from './routes.ts';

/** A CircuitBreakerOverride: an action on some breakers until its end. */
export interface Override extends Readonly<OverrideEvent> {
  /** When it ends, on the monotonic clock of this process. */
  readonly endsAt: number;
}

/** The overrides of a process: which one holds a breaker, and which resets are still to be done. */
export class Overrides {
  #forcing: ReadonlyMap<string, Override> = new Map();
  #index = new RouteIndex([]);
  /** Resets that were applied and may be sent again. */
  #appliedResets: ReadonlySet<string> = new Set();

  /** Takes all that there are now; returns the resets that this process has not done yet. */
  replaceAll(all: readonly Override[], now: number): Override[] {
    const newestFirst = all
      .filter(({ endsAt }) => endsAt > now)
      .sort((a, b) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1));
    const isReset = ({ action }: Override) => action === 'Reset';
    const resets = newestFirst.filter(isReset);
    const dueResets = resets.filter(({ uid }) => !this.#appliedResets.has(uid));
    this.#appliedResets = new Set(resets.map(({ uid }) => uid));
    const forcing = newestFirst.filter((override) => !isReset(override));
    this.#forcing = new Map(forcing.map((override) => [override.uid, override]));
    this.#index = overrideIndex(forcing);
    return dueResets;
  }

  /** What holds the breaker of this name: of several the newest. */
  forBreaker(name: string): Override | undefined {
    const uid = this.#forcing.size === 0 ? undefined : this.#index.uidFor(name);
    return uid === undefined ? undefined : this.#forcing.get(uid);
  }
}

/** Finds the first of these that names a breaker. */
export const overrideIndex = (overrides: readonly Override[]) =>
  new RouteIndex(overrides.flatMap(({ breakers, uid }) => breakers.map((pattern) => [pattern, uid] as const)));
