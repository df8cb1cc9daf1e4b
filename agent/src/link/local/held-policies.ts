import { MAX_DURATION_MS } from '@fuseboard/schema/duration';
import { tooDeep } from '@fuseboard/schema/rules';
import type { OverrideEvent, PolicySpec, Rejection } from '@fuseboard/schema/types';
import type { Override } from '../../breakers/overrides.ts';
import type { PolicySet, UsablePolicy } from '../../breakers/policy-set.ts';
import { compile } from '../../core/config/config.ts';
import type { ResourceVersions, StoredSet } from './stored-set.ts';

/** The policies of this process, and what it knows about them. */
interface Held {
  /** The set in force. */
  readonly set?: PolicySet;
  /** By uid, the policies that were rejected. The last valid version of each stays in force. */
  readonly rejected: ReadonlyMap<string, Rejection>;
  /** Why the newest set was refused as a whole. */
  readonly excess?: Rejection | undefined;
  /** The newest resource versions that were seen. */
  readonly asOf: ResourceVersions;
}

/**
 * The policies of this process: those of a file at first, which are there before the first call, then those of the
 * operator.
 */
export class HeldPolicies {
  #held: Held = { rejected: new Map(), asOf: {} };
  readonly now: () => number;
  readonly #wallNow: () => number;

  /**
   * @param now the monotonic time, for the ends of overrides.
   * @param wallNow the wall clock, for the ends of overrides that an earlier process stored.
   */
  constructor(now: () => number, wallNow: () => number = Date.now) {
    this.now = now;
    this.#wallNow = wallNow;
  }

  get current(): Held {
    return this.#held;
  }

  /** The rejected policies, after the one because of which a set was refused. */
  get rejections(): readonly Rejection[] {
    const { rejected, excess } = this.#held;
    return [...(excess ? [excess] : []), ...rejected.values()];
  }

  /** Replaces these parts. */
  replace(change: Partial<Held>): void {
    this.#held = { ...this.#held, ...change };
  }

  /** Applies a stored set. An invalid policy in it becomes a rejection. */
  restore({ revision, asOf, routes, ...stored }: StoredSet, origin: 'last-good' | 'bootstrap'): PolicySet {
    const policies = new Map<string, UsablePolicy>();
    const rejected = new Map(stored.rejections.map((rejection) => [rejection.uid, rejection]));
    for (const { uid, generation, name, spec } of stored.policies) {
      const result = compilePolicy(uid, generation, name, spec);
      if ('config' in result) policies.set(uid, result);
      else rejected.set(uid, result);
    }
    const overrides = withEnds(stored.overrides ?? [], this.#wallNow() - this.now(), this.now());
    const set = { revision, origin, routes, policies, overrides };
    this.replace({ set, rejected, asOf });
    return set;
  }
}

/**
 * Converts the ends of overrides to the monotonic clock, which is `aheadMs` behind the clock of the sender. No override
 * lasts longer than a day.
 */
export function withEnds(events: Iterable<OverrideEvent>, aheadMs: number, now: number): Override[] {
  return [...events].map((event) => ({
    ...event,
    endsAt: Math.min(event.expiresAt - aheadMs, now + MAX_DURATION_MS),
  }));
}

/** Compiles the spec of a policy, unless the version that is `running` has the same. */
export function compilePolicy(
  uid: string,
  generation: number,
  name: string,
  spec: unknown,
  running?: UsablePolicy,
): UsablePolicy | Rejection {
  // A text of an excessively nested spec would throw here. `compile` rejects the spec below.
  const text = tooDeep(spec) ? '' : JSON.stringify(spec);
  if (running?.text === text) return running.generation === generation ? running : { ...running, generation };
  const compiled = compile(spec);
  if (!compiled.ok) {
    return { uid, generation, field: compiled.field.slice(0, 128), message: compiled.message.slice(0, 256) };
  }
  return { uid, generation, name, spec: spec as PolicySpec, text, config: compiled.config };
}
