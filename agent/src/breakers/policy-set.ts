import { parseDuration } from '@fuseboard/schema/duration';
import type { Guarded, PolicySpec } from '@fuseboard/schema/types';
import type { Config } from '../core/config/config.ts';
import type { Guard, GuardField } from '../core/config/guard.ts';
import { withinGuard } from '../core/config/within-guard.ts';
import type { Override } from './overrides.ts';

/** A policy with a valid spec, compiled. */
export interface UsablePolicy {
  readonly uid: string;
  /** 0 for a source without generations. */
  readonly generation: number;
  /** The name of the resource, for messages. */
  readonly name: string;
  readonly spec: PolicySpec;
  /** The spec as JSON text; policies with the same text behave the same. */
  readonly text: string;
  readonly config: Config;
}

/** The policies, routes and overrides of this process, replaced as a whole at each commit. */
export interface PolicySet {
  readonly revision: string;
  /** Where the set came from. */
  readonly origin: 'stream' | 'last-good' | 'bootstrap';
  /**
   * Routes from name, prefix with a trailing `*`, or `*`, to uid; the first match governs. A uid without a valid policy
   * leaves the name ungoverned.
   */
  readonly routes: readonly (readonly [pattern: string, uid: string])[];
  readonly policies: ReadonlyMap<string, UsablePolicy>;
  /** Overrides, which have precedence over policies. Absent: none. */
  readonly overrides?: readonly Override[];
}

/** A policy or an override that this process does not run as it says, because of the guard of its code. */
export interface GuardedItem extends Readonly<Guarded> {
  readonly by: GuardField;
  /** The name of the resource, for messages. */
  readonly name: string;
  /** The breakers that the override names; absent for a policy. */
  readonly breakers?: readonly string[];
}

/**
 * Returns the set within the limits of a guard, and what that changed.
 *
 * @param began since when each override has been known, which this keeps: without it, an override that is sent again
 *   would begin again, and one whose creation lies in the future would never end.
 */
export function underGuard(set: PolicySet, guard: Guard, began: Map<string, number>, now: number) {
  const guarded: GuardedItem[] = [];
  const note = (item: Omit<GuardedItem, 'limit'>) => {
    const limit = guard[item.by];
    guarded.push(typeof limit === 'string' ? { ...item, limit } : item);
  };
  const policies = new Map<string, UsablePolicy>();
  for (const [uid, policy] of set.policies) {
    const { config, by } = withinGuard(policy.config, guard);
    for (const field of by) note({ uid, by: field, name: policy.name });
    // Another text, because a breaker is reconfigured exactly when it changes.
    policies.set(uid, by.length === 0 ? policy : { ...policy, config, text: policy.text + JSON.stringify(guard) });
  }
  const before = new Map(began);
  began.clear();
  const overrides = (set.overrides ?? []).flatMap((override) => {
    const { uid, name, breakers, action, createdAt, expiresAt, endsAt } = override;
    const since = before.get(uid) ?? Math.min(now, endsAt - (expiresAt - createdAt));
    began.set(uid, since);
    if (action !== 'ForceOpen' || endsAt <= now) return override;
    if (guard.neverForceOpen) {
      note({ uid, by: 'neverForceOpen', name, breakers });
      return [];
    }
    const latest = since + (parseDuration(guard.maxOpenDuration) ?? Number.POSITIVE_INFINITY);
    if (endsAt <= latest) return override;
    note({ uid, by: 'maxOpenDuration', name, breakers });
    return { ...override, endsAt: latest };
  });
  return { set: guarded.length === 0 ? set : { ...set, policies, overrides }, guarded };
}
