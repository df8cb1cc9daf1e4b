import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { ResourceVersions } from '../core/delivery/resource-versions.ts';
import type { Snapshot } from '../core/delivery/snapshot.ts';
import type { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Agent, Identity } from '../core/fleet/agent-record.ts';
import type { Fleet } from '../core/fleet/fleet.ts';
import type { Labels } from '../core/policy/selector.ts';
import type { OverrideUid, PolicyUid, Touched } from '../core/uid.ts';

/** Takes what an agent should have from now on. What it has not passed on yet is replaced. */
export type Subscriber = (snapshot: Snapshot, asOf: ResourceVersions | undefined) => void;

export interface DeliveryOptions {
  readonly snapshots: SnapshotCache;
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Brings the snapshot that each agent should have from the loop to the stream of the agent. The loop writes: it says
 * how new the snapshots are and which namespaces changed. Streams read: they connect agents, subscribe, and say what
 * they sent. Neither knows the other.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #subscribers = new Map<Agent, Subscriber>();
  #asOf: ResourceVersions | undefined;
  #asOfIn: ReadonlyMap<string, ResourceVersions> = new Map();
  /** Revisions of which the log says already that they are too large. */
  readonly #loggedTooLarge = new Set<string>();
  #onTouched: (namespace: string, touched: Touched) => void = () => {};

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** @param onTouched told of the policies and overrides that an agent is counted for from its connection on. */
  start(onTouched: (namespace: string, touched: Touched) => void): void {
    this.#onTouched = onTouched;
  }

  /** How new the snapshots are: those of each namespace in `byNamespace`, and all others. */
  setVersions(others: ResourceVersions | undefined, byNamespace: ReadonlyMap<string, ResourceVersions>): void {
    this.#asOf = others;
    this.#asOfIn = byNamespace;
    this.#loggedTooLarge.clear();
  }

  /**
   * How new the snapshots of a namespace are; absent where the source has no versions. Never that of another namespace:
   * an agent that receives a version older than its own concludes that the replica is behind.
   */
  asOf(namespace: string): ResourceVersions | undefined {
    return this.#asOfIn.get(namespace) ?? this.#asOf;
  }

  /**
   * Gives every agent of a namespace its snapshot as it is now, and offers what is new to subscribers.
   *
   * @param seenAt when the change was seen that led to it, in ms.
   * @returns policies and overrides that were added, changed or removed at some agent.
   */
  deliver(namespace: string, seenAt: number): Touched {
    const { fleet, log, snapshots: cache } = this.#options;
    const moved = new Map<Snapshot, Set<Snapshot | undefined>>();
    const pushed = new Map<string, { snapshot: Snapshot; agents: number }>();
    const asOf = this.asOf(namespace);
    // By identity: what agents share is not read again for each of them.
    const snapshots = new Map<Labels, Snapshot>();
    const snapshotFor = (labels: Labels) => {
      const snapshot = cache.snapshot(namespace, labels);
      snapshots.set(labels, snapshot);
      return snapshot;
    };
    for (const agent of fleet.agents(namespace)) {
      const { labels } = agent.identity;
      const snapshot = snapshots.get(labels) ?? snapshotFor(labels);
      const before = agent.target;
      if (!this.#setTarget(agent, snapshot) || snapshot.revision === before?.revision) continue;
      fleet.expectApplied(agent, snapshot, seenAt);
      if (!moved.has(snapshot)) moved.set(snapshot, new Set());
      moved.get(snapshot)!.add(before);
      const subscriber = this.#subscribers.get(agent);
      if (subscriber === undefined) continue;
      subscriber(snapshot, asOf);
      const group = pushed.get(snapshot.revision) ?? { snapshot, agents: 0 };
      group.agents += 1;
      pushed.set(snapshot.revision, group);
    }
    for (const [revision, { snapshot, agents }] of pushed) {
      const { entries, overrides, bytes } = snapshot;
      log.info(
        { namespace, revision, agents, policies: entries.size, overrides: overrides.size, bytes },
        'pushed policies',
      );
    }
    return touchedBy(moved);
  }

  /**
   * An agent opened a stream: what it should get, or why it cannot get it. Until `disconnect` it counts as connected.
   *
   * @throws {LimitError} when there is no room for it.
   */
  connect(identity: Identity): { agent: Agent; snapshot: Snapshot } {
    const { snapshots, fleet, clock } = this.#options;
    const { namespace } = identity;
    const snapshot = snapshots.snapshot(namespace, identity.labels);
    fleet.checkRoomFor(namespace, snapshot);
    const agent = fleet.connect(identity, clock.now());
    this.#setTarget(agent, snapshot);
    this.#onTouched(namespace, {
      policies: new Set(snapshot.entries.keys()),
      overrides: new Set(snapshot.overrides.keys()),
    });
    return { agent, snapshot };
  }

  /** From now on, this subscriber alone is offered new snapshots for the agent; it replaces the one before. */
  subscribe(agent: Agent, subscriber: Subscriber): void {
    this.#subscribers.set(agent, subscriber);
  }

  /** A stream of an agent ended; `subscriber` is offered nothing more. */
  disconnect(agent: Agent, subscriber: Subscriber): void {
    this.#options.fleet.disconnect(agent);
    if (this.#subscribers.get(agent) === subscriber) this.#subscribers.delete(agent);
  }

  /** A snapshot is about to be written to an agent; from now on the agent may report its revision. */
  sending(agent: Agent, snapshot: Snapshot): void {
    this.#options.fleet.sent(agent, snapshot);
  }

  /** A snapshot with this revision that was sent to the agent lately. */
  recentlySent(agent: Agent, revision: string | undefined): Snapshot | undefined {
    return this.#options.fleet.recentlySent(agent, revision);
  }

  /** Makes a snapshot the target of an agent, unless it is too large to be sent; the agent then keeps what it has. */
  #setTarget(agent: Agent, snapshot: Snapshot): boolean {
    const { fleet, clock, log } = this.#options;
    if (snapshot.tooLarge === undefined) {
      fleet.setTarget(agent, snapshot, clock.now());
      return true;
    }
    fleet.markTooLarge(agent, clock.now());
    if (!this.#loggedTooLarge.has(snapshot.revision)) {
      this.#loggedTooLarge.add(snapshot.revision);
      log.error({ namespace: agent.identity.namespace, labels: agent.identity.labels }, snapshot.tooLarge);
    }
    return false;
  }
}

/** The policies and overrides that differ between new targets and the targets before. */
function touchedBy(moved: ReadonlyMap<Snapshot, ReadonlySet<Snapshot | undefined>>): Touched {
  const policies = new Set<PolicyUid>();
  const overrides = new Set<OverrideUid>();
  for (const [to, bases] of moved) {
    for (const from of bases) {
      for (const uid of differing(from?.entries, to.entries)) policies.add(uid);
      for (const uid of differing(from?.overrides, to.overrides)) overrides.add(uid);
    }
  }
  return { policies, overrides };
}

function differing<Uid extends string>(
  from: ReadonlyMap<Uid, { readonly digest: string }> = new Map(),
  to: ReadonlyMap<Uid, { readonly digest: string }>,
): Uid[] {
  return [...new Set([...from.keys(), ...to.keys()])].filter((uid) => from.get(uid)?.digest !== to.get(uid)?.digest);
}
