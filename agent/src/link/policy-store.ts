import {
  MAX_BYTES_PER_AGENT,
  MAX_OVERRIDES_PER_AGENT,
  MAX_POLICIES_PER_AGENT,
  MAX_ROUTES_PER_AGENT,
} from '@fuseboard/schema/defaults';
import type { OverrideEvent, PolicyEvent, Rejection } from '@fuseboard/schema/types';
import type { PolicySet, UsablePolicy } from '../breakers/policy-set.ts';
import { compilePolicy, HeldPolicies, withEnds } from './local/held-policies.ts';
import type { ResourceVersions, StoredSet } from './local/stored-set.ts';
import type { Message } from './messages.ts';
import { systemTimers } from './timers.ts';

export type StoreResult =
  | { readonly kind: 'none' }
  /** A new `set` is in force. `reset`: the operator had the generation floors discarded. */
  | { readonly kind: 'commit'; readonly set: PolicySet; readonly reset: boolean }
  /** The set is too large, and none of it is used. */
  | { readonly kind: 'refused'; readonly message: string }
  /** The stream is unusable. `fresh` requests a complete snapshot. */
  | { readonly kind: 'reconnect'; readonly fresh: boolean; readonly message: string };

interface Staged {
  readonly revision: string;
  readonly asOf: ResourceVersions;
  readonly reset: boolean;
  readonly policies: Map<string, UsablePolicy>;
  readonly rejections: Map<string, Rejection>;
  readonly overrides: Map<string, OverrideEvent>;
  /** The operator's wall clock minus the monotonic clock of this process, in ms. */
  readonly aheadMs: number;
  routes: PolicySet['routes'];
  received: number;
  bytes: number;
  excess?: Rejection;
}

const NONE: StoreResult = { kind: 'none' };
const REFUSED = 'for one process; the whole set is refused and the previous set stays in force';

/**
 * Takes the policies of the stream. It stages the events between `begin` and `commit`, and enforces the generation
 * floors, so that no policy is replaced by an older generation or returns after its removal.
 */
export class PolicyStore {
  readonly #held: HeldPolicies;
  #staged: Staged | undefined;

  /** @param held what is in force; `take` replaces it. */
  constructor(held = new HeldPolicies(systemTimers.now)) {
    this.#held = held;
  }

  /** The set in force. */
  get set(): PolicySet | undefined {
    return this.#held.current.set;
  }

  /** Policies that were rejected. The last valid version of each stays in force. */
  get rejections(): readonly Rejection[] {
    return this.#held.rejections;
  }

  get asOf(): ResourceVersions {
    return this.#held.current.asOf;
  }

  /** The revision that the operator need not send again; undefined while a policy of it is rejected. */
  get resumeFrom(): string | undefined {
    const { set } = this;
    return set === undefined || set.origin === 'bootstrap' || this.rejections.length > 0 ? undefined : set.revision;
  }

  /** The set in force, in the form stored for the next process. */
  stored(): StoredSet | undefined {
    const { set, rejected, asOf } = this.#held.current;
    if (set === undefined) return undefined;
    const { revision, routes, policies, overrides } = set;
    const policyList = [...policies.values()].map(({ uid, generation, name, spec }) => ({
      uid,
      generation,
      name,
      spec,
    }));
    return {
      revision,
      asOf,
      routes,
      policies: policyList,
      rejections: [...rejected.values()],
      ...(overrides?.length && { overrides: overrides.map(({ endsAt, ...event }) => event) }),
    };
  }

  /** Discards staged events after the stream broke. */
  abandon(): void {
    this.#staged = undefined;
  }

  take(message: Message): StoreResult {
    switch (message.type) {
      case 'begin':
        return this.#begin(message);
      case 'policy':
        return this.#whileStaging((staged) => this.#stage(staged, message));
      case 'override':
        return this.#whileStaging((staged) => this.#stageOverride(staged, message));
      case 'remove':
        return this.#whileStaging((staged) => {
          const gone = staged.policies.get(message.uid);
          if (gone) staged.bytes -= size(gone);
          staged.policies.delete(message.uid);
          staged.overrides.delete(message.uid);
          staged.rejections.delete(message.uid);
        });
      case 'routes':
        return this.#whileStaging((staged) => {
          const { routes } = message;
          if (routes !== undefined) {
            staged.routes = routes;
            return;
          }
          const [{ uid, generation } = { uid: '', generation: 0 }] = staged.policies.values();
          const excess = `more than ${MAX_ROUTES_PER_AGENT} routes ${REFUSED}; narrow the selectors`;
          staged.excess = { uid, generation, field: 'spec', message: excess };
        });
      case 'commit':
        return this.#commit(message.revision);
      case 'insync':
        return this.#inSync(message);
      case 'heartbeat':
        this.#held.replace({ asOf: highest(this.asOf, message.asOf ?? {}) });
        return NONE;
      default:
        return NONE;
    }
  }

  #begin({ kind, base, revision, asOf = {}, now, reset = false }: Extract<Message, { type: 'begin' }>): StoreResult {
    this.#staged = undefined;
    const resetsVersions = reset && kind === 'snapshot';
    if (!resetsVersions && isBehind(asOf, this.asOf)) {
      return { kind: 'reconnect', fresh: false, message: 'it is behind what this process has already seen' };
    }
    const aheadMs = now - this.#held.now();
    if (kind === 'snapshot') {
      const empty = { policies: new Map(), rejections: new Map(), overrides: new Map(), routes: [] };
      this.#staged = { revision, asOf, reset: resetsVersions, aheadMs, ...empty, received: 0, bytes: 0 };
      return NONE;
    }
    const { set: held, rejected } = this.#held.current;
    if (held === undefined || held.origin === 'bootstrap' || held.revision !== base) {
      return { kind: 'reconnect', fresh: true, message: 'it changes a revision that this process does not run' };
    }
    let bytes = 0;
    for (const policy of held.policies.values()) bytes += size(policy);
    this.#staged = {
      revision,
      asOf,
      reset: false,
      aheadMs,
      policies: new Map(held.policies),
      rejections: new Map(rejected),
      overrides: new Map(held.overrides?.map((override) => [override.uid, override])),
      routes: held.routes,
      received: 0,
      bytes,
    };
    return NONE;
  }

  #whileStaging(change: (staged: Staged) => void): StoreResult {
    if (this.#staged === undefined) {
      return { kind: 'reconnect', fresh: true, message: 'a change came without its beginning' };
    }
    if (this.#staged.excess === undefined) change(this.#staged);
    return NONE;
  }

  #stage(staged: Staged, { uid, generation, name = uid, spec, hold }: PolicyEvent): void {
    const running = this.set?.policies.get(uid);
    const before = staged.policies.get(uid);
    if (before) staged.bytes -= size(before);
    staged.rejections.delete(uid);
    const keepsRunning =
      hold || (!staged.reset && generation !== 0 && running !== undefined && generation < running.generation);
    const result = keepsRunning ? running : compilePolicy(uid, generation, name, spec, running);
    if (result !== undefined && !('config' in result)) staged.rejections.set(uid, result);
    const governs = result !== undefined && 'config' in result ? result : running;
    if (governs) {
      staged.policies.set(uid, governs);
      staged.bytes += size(governs);
    }
    staged.received += 1;
    const count = Math.max(staged.policies.size, staged.received);
    if (count > MAX_POLICIES_PER_AGENT || staged.bytes > MAX_BYTES_PER_AGENT) {
      const what =
        count > MAX_POLICIES_PER_AGENT
          ? `${MAX_POLICIES_PER_AGENT} policies`
          : `${MAX_BYTES_PER_AGENT / 2 ** 20} MiB of policies`;
      const message = `more than ${what} ${REFUSED}; narrow the selectors`;
      staged.excess = { uid, generation, field: 'spec', message };
      staged.policies.clear();
      staged.rejections.clear();
    }
  }

  #stageOverride(staged: Staged, { type, ...override }: Extract<Message, { type: 'override' }>): void {
    staged.overrides.set(override.uid, override);
    if (staged.overrides.size <= MAX_OVERRIDES_PER_AGENT) return;
    const message = `more than ${MAX_OVERRIDES_PER_AGENT} overrides ${REFUSED}`;
    staged.excess = { uid: override.uid, generation: 0, field: 'spec', message };
  }

  #commit(revision: string): StoreResult {
    const staged = this.#staged;
    this.#staged = undefined;
    if (staged === undefined || staged.revision !== revision) {
      return { kind: 'reconnect', fresh: true, message: 'it committed a revision that it did not begin' };
    }
    if (staged.excess !== undefined) {
      this.#held.replace({ excess: staged.excess });
      return { kind: 'refused', message: staged.excess.message };
    }
    const asOf = staged.reset ? staged.asOf : highest(this.asOf, staged.asOf);
    const { routes, policies, aheadMs, rejections: rejected } = staged;
    const overrides = withEnds(staged.overrides.values(), aheadMs, this.#held.now());
    const set: PolicySet = { revision, origin: 'stream', routes, policies, overrides };
    this.#held.replace({ set, rejected, asOf, excess: undefined });
    return { kind: 'commit', set, reset: staged.reset };
  }

  #inSync({ revision, asOf = {}, now }: Extract<Message, { type: 'insync' }>): StoreResult {
    const current = this.set;
    if (current === undefined || current.revision !== revision) {
      return { kind: 'reconnect', fresh: true, message: 'it takes this process for one that runs another revision' };
    }
    const overrides = withEnds(current.overrides ?? [], now - this.#held.now(), this.#held.now());
    const set: PolicySet = { ...current, origin: 'stream', overrides };
    this.#held.replace({ set, asOf: highest(this.asOf, asOf) });
    return { kind: 'commit', set, reset: false };
  }
}

/** Whether `asOf` is older than `floor`. A kind that is missing in either is not compared. */
export function isBehind(asOf: ResourceVersions, floor: ResourceVersions): boolean {
  return (['policies', 'overrides'] as const).some((kind) => {
    const [a, b] = [asOf[kind], floor[kind]];
    return a !== undefined && b !== undefined && BigInt(a) < BigInt(b);
  });
}

function highest(a: ResourceVersions, b: ResourceVersions): ResourceVersions {
  const pick = (kind: keyof ResourceVersions) => {
    const [x, y] = [a[kind], b[kind]];
    const value = x === undefined || (y !== undefined && BigInt(y) > BigInt(x)) ? y : x;
    return value === undefined ? {} : { [kind]: value };
  };
  return { ...pick('policies'), ...pick('overrides') };
}

const size = (policy: UsablePolicy) => Buffer.byteLength(policy.text);
