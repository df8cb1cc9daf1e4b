import { MAX_OVERRIDES_PER_AGENT } from '@fuseboard/schema';
import { dropOldest } from '../drop-oldest.ts';
import { CACHE_LIMITS } from '../limits/cache-limits.ts';
import { newestFirst, type Override } from '../policy/override.ts';
import type { Policy } from '../policy/policy.ts';
import { flatten, type Precedence, precedenceOf } from '../policy/precedence.ts';
import { type Route, type Routing, routingOf, sameRouting, sortedRoutes, takes } from '../policy/routing.ts';
import { canonicalLabels, keysOf, type Labels, matches, selects } from '../policy/selector.ts';
import {
  entryOf,
  type OverrideEntry,
  overrideEntryOf,
  type PolicyEntry,
  type Snapshot,
  snapshotOf,
} from './snapshot.ts';

/** The current version of a policy. */
export interface PolicySnapshot {
  readonly policy: Policy;
  readonly entry: PolicyEntry;
  /** Absent while no version since the start of this process had usable `breakers` and `selector` fields. */
  readonly routing: Routing | undefined;
}

/** An override that agents should apply. */
export interface ActiveOverride {
  readonly override: Override;
  readonly entry: OverrideEntry;
}

/** The differences between two lists of policies and overrides. */
export interface SnapshotChange {
  readonly namespaces: ReadonlySet<string>;
  readonly added: readonly Policy[];
  readonly changed: readonly Policy[];
  readonly removed: readonly Policy[];
  /** By namespace: the policies that are new, changed, or have another precedence than before. */
  readonly affected: ReadonlyMap<string, ReadonlySet<string>>;
  /** Overrides that agents should apply from now on. `ended` holds the overrides that agents should no longer apply. */
  readonly started: readonly Override[];
  readonly ended: readonly Override[];
}

interface Namespace {
  readonly policies: Map<string, PolicySnapshot>;
  readonly overrides: Map<string, ActiveOverride>;
  routes: readonly Route[];
  /** The labels that some selector uses. Agents with equal values of these labels get the same snapshot. */
  keys: readonly string[];
  precedence: ReadonlyMap<string, Precedence>;
  /** Audiences by the values of `keys`. */
  audiences: Map<string, Audience>;
}

/** A policy or an override that may have a selector. */
interface Selecting {
  readonly selector?: Parameters<typeof selects>[0];
}

interface Audience {
  readonly labels: Labels;
  readonly snapshot: Snapshot;
  /**
   * Whether an agent requested the snapshot since the last change. An audience without requests may have no agents
   * left.
   */
  used: boolean;
}

/** The differences that one update has found so far. */
class Round {
  readonly added: Policy[] = [];
  readonly changed: Policy[] = [];
  readonly removed: Policy[] = [];
  readonly started: Override[] = [];
  readonly ended: Override[] = [];
  /**
   * By namespace, what was changed in it, and whether that changes routes or selectors. Otherwise, only the content of
   * policies changed.
   */
  readonly namespaces = new Map<string, { readonly touched: Selecting[]; rerouted: boolean }>();

  touch(namespace: string, selecting: readonly (Selecting | undefined)[], rerouted: boolean): void {
    const known = this.namespaces.get(namespace) ?? { touched: [], rerouted: false };
    known.touched.push(...selecting.filter((one) => one !== undefined));
    known.rerouted ||= rerouted;
    this.namespaces.set(namespace, known);
  }
}

/**
 * The snapshots of all audiences. A new list of policies is compared with the previous list. Only namespaces with a
 * difference are recomputed, and in them only the snapshots of audiences that a changed policy selects. A snapshot is
 * computed when its first agent requests it.
 */
export class SnapshotCache {
  readonly #namespaces = new Map<string, Namespace>();
  /** The namespace of each policy, by uid. */
  readonly #namespaceOf = new Map<string, string>();
  /**
   * Every policy of the previous list, by identity. Most policies of a new list are unchanged objects, which one lookup
   * skips.
   */
  readonly #taken = new Set<Policy>();

  /**
   * Replaces the list of policies and that of the active overrides, and returns the differences from the previous
   * lists.
   */
  update(policies: readonly Policy[], overrides: Iterable<Override> = []): SnapshotChange {
    const round = new Round();
    for (const policy of policies) if (!this.#taken.has(policy)) this.#take(policy, round);
    for (const policy of this.#taken.size === policies.length ? [] : absentFrom(this.#taken, policies)) {
      this.#remove(policy, round);
    }
    const active = new Set<string>();
    for (const override of overrides) {
      active.add(override.uid);
      this.#updateOverride(override, round);
    }
    this.#endOverrides(active, round);
    const { namespaces, added, changed, removed, started, ended } = round;
    const affected = new Map<string, Set<string>>();
    for (const [name, { touched, rerouted }] of namespaces) {
      const { affected: policiesOf, keysChanged } = rerouted ? this.#route(name) : UNCHANGED_ROUTES;
      affected.set(name, new Set(policiesOf));
      this.#invalidate(name, touched, keysChanged);
    }
    for (const { namespace, uid } of [...added, ...changed]) affected.get(namespace)!.add(uid);
    return { namespaces: new Set(namespaces.keys()), added, changed, removed, affected, started, ended };
  }

  /** Takes a policy that is new, or another object than in the previous list. */
  #take(policy: Policy, round: Round): void {
    const namespace = this.#namespace(policy.namespace);
    const before = namespace.policies.get(policy.uid);
    if (before !== undefined) this.#taken.delete(before.policy);
    this.#taken.add(policy);
    const next = toPolicySnapshot(policy, before);
    namespace.policies.set(policy.uid, next);
    this.#namespaceOf.set(policy.uid, policy.namespace);
    if (before !== undefined && same(before, next)) return;
    (before === undefined ? round.added : round.changed).push(policy);
    const rerouted = before === undefined || before.routing !== next.routing;
    round.touch(policy.namespace, [before?.routing, next.routing], rerouted);
  }

  #remove(policy: Policy, round: Round): void {
    const { uid, namespace } = policy;
    const { policies } = this.#namespaces.get(namespace)!;
    const { routing } = policies.get(uid)!;
    policies.delete(uid);
    this.#taken.delete(policy);
    this.#namespaceOf.delete(uid);
    round.removed.push(policy);
    round.touch(namespace, [routing], true);
  }

  #updateOverride(override: Override, round: Round): void {
    const { uid, namespace, spec } = override;
    const { overrides } = this.#namespace(namespace);
    const before = overrides.get(uid);
    const entry = before?.override === override ? before.entry : overrideEntryOf(override);
    overrides.set(uid, { override, entry });
    this.#namespaceOf.set(uid, namespace);
    if (before?.entry.digest === entry.digest) return;
    if (before === undefined) round.started.push(override);
    round.touch(namespace, [spec], true);
  }

  /** Ends the overrides that are not among the active ones, by uid. */
  #endOverrides(active: ReadonlySet<string>, round: Round): void {
    for (const [name, { overrides }] of this.#namespaces) {
      for (const { override } of overrides.values()) {
        if (active.has(override.uid)) continue;
        overrides.delete(override.uid);
        this.#namespaceOf.delete(override.uid);
        round.ended.push(override);
        round.touch(name, [override.spec], true);
      }
    }
  }

  /** The snapshot for agents of a namespace with these labels; empty when no policy selects them. */
  snapshot(namespace: string, labels: Labels): Snapshot {
    const found = this.#namespaces.get(namespace);
    if (found === undefined) return EMPTY;
    const key = canonicalLabels(labels, found.keys);
    const audience = found.audiences.get(key);
    if (audience !== undefined) {
      audience.used = true;
      return audience.snapshot;
    }
    const reached = new Map<Routing, boolean>();
    const routes = found.routes.filter(({ policy }) => {
      if (!reached.has(policy)) reached.set(policy, takes(policy, labels));
      return reached.get(policy);
    });
    const overrides = [...found.overrides.values()]
      .filter(({ override }) => selects(override.spec.selector, labels))
      .sort((a, b) => newestFirst(a.override, b.override))
      .slice(0, MAX_OVERRIDES_PER_AGENT)
      .map(({ entry }) => entry);
    const made = snapshotOf(flatten(routes), (uid) => found.policies.get(uid)!.entry, overrides);
    const snapshot = sameRevision(found.audiences.values(), made) ?? made;
    found.audiences.set(key, { labels, snapshot, used: true });
    dropOldest(found.audiences, MAX_AUDIENCES);
    return snapshot;
  }

  /** Every policy of a namespace. */
  policies(namespace: string): PolicySnapshot[] {
    return [...(this.#namespaces.get(namespace)?.policies.values() ?? [])];
  }

  /** Every policy. */
  *all(): Generator<PolicySnapshot> {
    for (const { policies } of this.#namespaces.values()) yield* policies.values();
  }

  policy(namespace: string, uid: string): PolicySnapshot | undefined {
    return this.#namespaces.get(namespace)?.policies.get(uid);
  }

  /** The policy with this uid, in any namespace. */
  find(uid: string): PolicySnapshot | undefined {
    const home = this.#namespaceOf.get(uid);
    return home === undefined ? undefined : this.policy(home, uid);
  }

  /** The override in force on a breaker of agents with these labels, whichever policy governs the breaker. */
  overrideFor(namespace: string, labels: Labels, breaker: string): Override | undefined {
    return [...(this.#namespaces.get(namespace)?.overrides.values() ?? [])]
      .map(({ override }) => override)
      .filter(({ spec }) => spec.action !== 'Reset' && selects(spec.selector, labels))
      .sort(newestFirst)
      .find(({ spec }) => spec.breakers.some((pattern) => matches(pattern, breaker)));
  }

  /** The active override with this uid. */
  override(uid: string): ActiveOverride | undefined {
    return this.#namespaces.get(this.#namespaceOf.get(uid) ?? '')?.overrides.get(uid);
  }

  namespaces(): string[] {
    return [...this.#namespaces.keys()];
  }

  /** The precedence of a policy over the others of its namespace; absent for a policy without routes. */
  precedence(policy: Policy): Precedence | undefined {
    return this.#namespaces.get(policy.namespace)?.precedence.get(policy.uid);
  }

  #namespace(name: string): Namespace {
    const found = this.#namespaces.get(name);
    if (found !== undefined) return found;
    const made: Namespace = {
      policies: new Map(),
      overrides: new Map(),
      routes: [],
      keys: [],
      precedence: new Map(),
      audiences: new Map(),
    };
    this.#namespaces.set(name, made);
    return made;
  }

  /** Recomputes the routes of a namespace. */
  #route(name: string): Rerouted {
    const namespace = this.#namespaces.get(name)!;
    const routings = [...namespace.policies.values()].flatMap(({ routing }) => routing ?? []);
    namespace.routes = sortedRoutes(routings);
    const selecting: Selecting[] = [
      ...routings,
      ...[...namespace.overrides.values()].map(({ override }) => override.spec),
    ];
    const keys = [...new Set(selecting.flatMap(({ selector }) => keysOf(selector)))].sort();
    const keysChanged = JSON.stringify(keys) !== JSON.stringify(namespace.keys);
    namespace.keys = keys;
    const before = namespace.precedence;
    namespace.precedence = precedenceOf(namespace.routes);
    const affected: string[] = [];
    for (const [uid, standing] of namespace.precedence)
      if (!samePrecedence(before.get(uid), standing)) affected.push(uid);
    return { affected, keysChanged };
  }

  /** Drops the snapshots of audiences that a change affects, and of audiences without agents. */
  #invalidate(name: string, touched: readonly Selecting[], keysChanged: boolean): void {
    const { policies, overrides, audiences } = this.#namespaces.get(name)!;
    if (policies.size === 0 && overrides.size === 0) {
      this.#namespaces.delete(name);
      return;
    }
    for (const [key, audience] of audiences) {
      const reached = touched.some(({ selector }) => selects(selector, audience.labels));
      if (keysChanged || reached || !audience.used) audiences.delete(key);
      audience.used = false;
    }
  }
}

/** The effects of recomputed routes on a namespace. */
interface Rerouted {
  /** The policies with a changed precedence. */
  readonly affected: readonly string[];
  /** Whether the set of labels that selectors use changed. */
  readonly keysChanged: boolean;
}

const MAX_AUDIENCES = CACHE_LIMITS.audiences.entries;

/** A cached snapshot with the same revision, so that audiences with equal snapshots share one object. */
function sameRevision(audiences: Iterable<Audience>, { revision }: Snapshot): Snapshot | undefined {
  for (const { snapshot } of audiences) if (snapshot.revision === revision) return snapshot;
  return undefined;
}

const UNCHANGED_ROUTES: Rerouted = { affected: [], keysChanged: false };

const EMPTY = snapshotOf([], () => {
  throw new Error('an empty snapshot has no entries');
});

function toPolicySnapshot(policy: Policy, before: PolicySnapshot | undefined): PolicySnapshot {
  const entry = entryOf({ ...policy, hold: policy.problems.length > 0 });
  const routing = routingOf(policy);
  return {
    policy,
    entry: before?.entry.digest === entry.digest ? before.entry : entry,
    routing: routing === undefined || sameRouting(before?.routing, routing) ? before?.routing : routing,
  };
}

function samePrecedence(a: Precedence | undefined, b: Precedence): boolean {
  if (a === undefined || a.conflict?.name !== b.conflict?.name || a.shadows.length !== b.shadows.length) return false;
  return b.shadows.every(({ pattern, by, everywhere }, i) => {
    const other = a.shadows[i]!;
    return other.pattern === pattern && other.by.name === by.name && other.everywhere === everywhere;
  });
}

function absentFrom(taken: ReadonlySet<Policy>, policies: readonly Policy[]): Policy[] {
  const listed = new Set(policies);
  return [...taken].filter((policy) => !listed.has(policy));
}

/** Whether two versions of a policy look the same to agents and in the status. */
function same(a: PolicySnapshot, b: PolicySnapshot): boolean {
  return a.entry === b.entry && shown(a) === shown(b);
}

const shown = ({ policy: { createdAt, name, problems, spec } }: PolicySnapshot) =>
  JSON.stringify([createdAt, name, problems, problems.length > 0 ? spec : null]);
