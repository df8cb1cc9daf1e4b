import type { OverrideEvent } from '@fuseboard/schema/types';
import { RouteIndex } from './routes.ts';

/** A CircuitBreakerOverride: an action on some breakers until its end. */
export interface Override extends Readonly<OverrideEvent> {
  /** When the override ends, in monotonic time. */
  readonly endsAt: number;
}

/** The overrides of a process: the one in force for each breaker, and the pending resets. */
export class Overrides {
  #forcing: ReadonlyMap<string, Override> = new Map();
  #index = new RouteIndex([]);
  /** Uids of applied resets, which the operator may send again. */
  #appliedResets: ReadonlySet<string> = new Set();

  /** Replaces all overrides; returns the resets that this process has not applied yet. */
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

  /** The override in force on this breaker: the newest of several. */
  forBreaker(name: string): Override | undefined {
    const uid = this.#forcing.size === 0 ? undefined : this.#index.uidFor(name);
    return uid === undefined ? undefined : this.#forcing.get(uid);
  }
}

/** Finds the first override that lists a breaker. */
export const overrideIndex = (overrides: readonly Override[]) =>
  new RouteIndex(overrides.flatMap(({ breakers, uid }) => breakers.map((pattern) => [pattern, uid] as const)));
