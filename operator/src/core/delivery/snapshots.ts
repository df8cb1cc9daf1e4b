import { MAX_OVERRIDES_PER_AGENT } from '@fuseboard/schema';
import { newestFirst, type Override } from '../policy/override.ts';
import type { Policy } from '../policy/policy.ts';
import { flatten, type Standing, standings } from '../policy/precedence.ts';
import { matches, type Route, type Routing, routingOf, sameRouting, sortedRoutes, takes } from '../policy/routing.ts';
import { canonicalLabels, keysOf, type Labels, selects } from '../policy/selector.ts';
import { type Board, boardOf, type Entry, entryOf, type OverrideEntry, overrideEntryOf } from './snapshot.ts';

/** A policy as it stands now. */
export interface Known {
  readonly policy: Policy;
  readonly entry: Entry;
  /** Absent when breakers or selector cannot be used and never could since this process began. */
  readonly routing: Routing | undefined;
}

/** An override that agents should obey. */
export interface Steering {
  readonly override: Override;
  readonly entry: OverrideEntry;
}

/** What a new list of policies and overrides changed. */
export interface Change {
  readonly namespaces: ReadonlySet<string>;
  readonly added: readonly Policy[];
  readonly changed: readonly Policy[];
  readonly removed: readonly Policy[];
  /** By namespace: the policies that are new or changed, or to which the others leave more or less than before. */
  readonly affected: ReadonlyMap<string, ReadonlySet<string>>;
  /** Overrides that agents should obey from now on, and those that they should no longer. */
  readonly begun: readonly Override[];
  readonly over: readonly Override[];
}

interface Namespace {
  readonly policies: Map<string, Known>;
  readonly overrides: Map<string, Steering>;
  routes: readonly Route[];
  /** The labels that some selector looks at: agents that agree in these get the same board. */
  keys: readonly string[];
  standings: ReadonlyMap<string, Standing>;
  /** By audience: the labels that selectors look at. */
  audiences: Map<string, Audience>;
}

/** Whatever is for some agents only. */
interface Selecting {
  readonly selector?: Parameters<typeof selects>[0];
}

interface Audience {
  readonly labels: Labels;
  readonly board: Board;
  /** Whether it was asked for since the last change; one that was not may have no agents any more. */
  asked: boolean;
}

/**
 * The boards of all audiences. A new list of policies is compared with the one before, and only namespaces in which
 * something differs are worked out anew, and in these only the boards of audiences that a changed policy is for. A board is
 * made when its first agent asks for it.
 */
export class Boards {
  readonly #namespaces = new Map<string, Namespace>();
  /** The namespace of each policy, by uid. */
  readonly #homes = new Map<string, string>();
  /** Every policy that was taken, by identity: nearly all of a list are in the one before, and cost one look each. */
  readonly #taken = new Set<Policy>();

  /** Takes the whole list of policies, and that of the overrides that hold now, and says what is different from the ones before. */
  update(policies: readonly Policy[], overrides: Iterable<Override> = []): Change {
    const added: Policy[] = [];
    const changed: Policy[] = [];
    const removed: Policy[] = [];
    const begun: Override[] = [];
    const over: Override[] = [];
    const namespaces = new Map<string, Selecting[]>();
    /** Namespaces in which something is routed or selected otherwise; in the others, policies only say something else. */
    const rerouted = new Set<string>();
    const touch = (name: string, ...routings: (Selecting | undefined)[]) => {
      const touched = namespaces.get(name) ?? [];
      touched.push(...routings.filter((routing) => routing !== undefined));
      namespaces.set(name, touched);
    };
    for (const policy of policies) {
      if (this.#taken.has(policy)) continue;
      const namespace = this.#namespace(policy.namespace);
      const before = namespace.policies.get(policy.uid);
      if (before !== undefined) this.#taken.delete(before.policy);
      this.#taken.add(policy);
      const next = known(policy, before);
      namespace.policies.set(policy.uid, next);
      this.#homes.set(policy.uid, policy.namespace);
      if (before !== undefined && same(before, next)) continue;
      (before === undefined ? added : changed).push(policy);
      touch(policy.namespace, before?.routing, next.routing);
      if (before === undefined || before.routing !== next.routing) rerouted.add(policy.namespace);
    }
    for (const policy of this.#taken.size === policies.length ? [] : missing(this.#taken, policies)) {
      const { uid, namespace: name } = policy;
      const { policies: held } = this.#namespaces.get(name)!;
      const { routing } = held.get(uid)!;
      held.delete(uid);
      this.#taken.delete(policy);
      this.#homes.delete(uid);
      removed.push(policy);
      touch(name, routing);
      rerouted.add(name);
    }
    const steering = new Set<string>();
    for (const override of overrides) {
      steering.add(override.uid);
      const { overrides: held } = this.#namespace(override.namespace);
      const before = held.get(override.uid);
      const entry = before?.override === override ? before.entry : overrideEntryOf(override);
      held.set(override.uid, { override, entry });
      this.#homes.set(override.uid, override.namespace);
      if (before?.entry.digest === entry.digest) continue;
      if (before === undefined) begun.push(override);
      touch(override.namespace, override.spec);
      rerouted.add(override.namespace);
    }
    for (const [name, { overrides: held }] of this.#namespaces) {
      for (const { override } of held.values()) {
        if (steering.has(override.uid)) continue;
        held.delete(override.uid);
        this.#homes.delete(override.uid);
        over.push(override);
        touch(name, override.spec);
        rerouted.add(name);
      }
    }
    const affected = new Map<string, Set<string>>();
    for (const [name, touched] of namespaces) {
      const { others, otherKeys } = rerouted.has(name) ? this.#route(name) : SAME_ROUTES;
      affected.set(name, new Set(others));
      this.#forget(name, touched, otherKeys);
    }
    for (const { namespace, uid } of [...added, ...changed]) affected.get(namespace)!.add(uid);
    return { namespaces: new Set(namespaces.keys()), added, changed, removed, affected, begun, over };
  }

  /** The board for agents of a namespace with these labels; an empty one where no policy is for them. */
  board(namespace: string, labels: Labels): Board {
    const found = this.#namespaces.get(namespace);
    if (found === undefined) return EMPTY;
    const key = canonicalLabels(labels, found.keys);
    const known = found.audiences.get(key);
    if (known !== undefined) {
      known.asked = true;
      return known.board;
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
    const board = boardOf(flatten(routes), (uid) => found.policies.get(uid)!.entry, overrides);
    found.audiences.set(key, { labels, board, asked: true });
    return board;
  }

  /** Every policy of a namespace. */
  policies(namespace: string): Known[] {
    return [...(this.#namespaces.get(namespace)?.policies.values() ?? [])];
  }

  /** Every policy. */
  *all(): Generator<Known> {
    for (const { policies } of this.#namespaces.values()) yield* policies.values();
  }

  policy(namespace: string, uid: string): Known | undefined {
    return this.#namespaces.get(namespace)?.policies.get(uid);
  }

  /** The policy with this uid, in whatever namespace. */
  find(uid: string): Known | undefined {
    const home = this.#homes.get(uid);
    return home === undefined ? undefined : this.policy(home, uid);
  }

  /** The override that holds a breaker of agents with these labels in a state, whatever its policy. */
  holding(namespace: string, labels: Labels, breaker: string): Override | undefined {
    return [...(this.#namespaces.get(namespace)?.overrides.values() ?? [])]
      .map(({ override }) => override)
      .filter(({ spec }) => spec.action !== 'Reset' && selects(spec.selector, labels))
      .sort(newestFirst)
      .find(({ spec }) => spec.breakers.some((pattern) => matches(pattern, breaker)));
  }

  /** The override with this uid that agents should obey now. */
  override(uid: string): Steering | undefined {
    return this.#namespaces.get(this.#homes.get(uid) ?? '')?.overrides.get(uid);
  }

  namespaces(): string[] {
    return [...this.#namespaces.keys()];
  }

  /** What the other policies leave to a policy; absent for one that has no routes. */
  standing(policy: Policy): Standing | undefined {
    return this.#namespaces.get(policy.namespace)?.standings.get(policy.uid);
  }

  #namespace(name: string): Namespace {
    const found = this.#namespaces.get(name);
    if (found !== undefined) return found;
    const made: Namespace = {
      policies: new Map(),
      overrides: new Map(),
      routes: [],
      keys: [],
      standings: new Map(),
      audiences: new Map(),
    };
    this.#namespaces.set(name, made);
    return made;
  }

  /** Works out the routes of a namespace anew. */
  #route(name: string): Rerouted {
    const namespace = this.#namespaces.get(name)!;
    const routings = [...namespace.policies.values()].flatMap(({ routing }) => routing ?? []);
    namespace.routes = sortedRoutes(routings);
    const selecting: Selecting[] = [
      ...routings,
      ...[...namespace.overrides.values()].map(({ override }) => override.spec),
    ];
    const keys = [...new Set(selecting.flatMap(({ selector }) => keysOf(selector)))].sort();
    const otherKeys = JSON.stringify(keys) !== JSON.stringify(namespace.keys);
    namespace.keys = keys;
    const before = namespace.standings;
    namespace.standings = standings(namespace.routes);
    const others: string[] = [];
    for (const [uid, standing] of namespace.standings) if (!alike(before.get(uid), standing)) others.push(uid);
    return { others, otherKeys };
  }

  /** Lets go of the boards of audiences that something touched is for, and of those that nobody asks for. */
  #forget(name: string, touched: readonly Selecting[], otherKeys: boolean): void {
    const { policies, overrides, audiences } = this.#namespaces.get(name)!;
    if (policies.size === 0 && overrides.size === 0) {
      this.#namespaces.delete(name);
      return;
    }
    for (const [key, audience] of audiences) {
      const reached = touched.some(({ selector }) => selects(selector, audience.labels));
      if (otherKeys || reached || !audience.asked) audiences.delete(key);
      audience.asked = false;
    }
  }
}

/** What became of a namespace in which something is routed otherwise. */
interface Rerouted {
  /** The policies whose standing is another. */
  readonly others: readonly string[];
  /** Whether selectors look at other labels. */
  readonly otherKeys: boolean;
}

const SAME_ROUTES: Rerouted = { others: [], otherKeys: false };

const EMPTY = boardOf([], () => {
  throw new Error('an empty board has no entries');
});

function known(policy: Policy, before: Known | undefined): Known {
  const entry = entryOf({ ...policy, hold: policy.problems.length > 0 });
  const routing = routingOf(policy);
  return {
    policy,
    entry: before?.entry.digest === entry.digest ? before.entry : entry,
    routing: routing === undefined || sameRouting(before?.routing, routing) ? before?.routing : routing,
  };
}

function alike(a: Standing | undefined, b: Standing): boolean {
  if (a === undefined || a.conflict?.name !== b.conflict?.name || a.shadows.length !== b.shadows.length) return false;
  return b.shadows.every(({ pattern, by, everywhere }, i) => {
    const other = a.shadows[i]!;
    return other.pattern === pattern && other.by.name === by.name && other.everywhere === everywhere;
  });
}

function missing(taken: ReadonlySet<Policy>, policies: readonly Policy[]): Policy[] {
  const listed = new Set(policies);
  return [...taken].filter((policy) => !listed.has(policy));
}

/** Whether nothing that an agent or a status could show is different. */
function same(a: Known, b: Known): boolean {
  return a.entry === b.entry && shown(a) === shown(b);
}

const shown = ({ policy: { createdAt, name, problems, spec } }: Known) =>
  JSON.stringify([createdAt, name, problems, problems.length > 0 ? spec : null]);
