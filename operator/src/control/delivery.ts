import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { ResourceVersions } from '../core/delivery/resource-versions.ts';
import type { Snapshot } from '../core/delivery/snapshot.ts';
import type { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Agent, Identity } from '../core/fleet/agent-record.ts';
import type { Fleet } from '../core/fleet/fleet.ts';
import type { Labels } from '../core/policy/selector.ts';
import type { OverrideUid, PolicyUid, Touched } from '../core/uid.ts';

/** Receives the snapshot that an agent should run. A snapshot that was not yet sent is replaced. */
export type Subscriber = (snapshot: Snapshot, versions: ResourceVersions | undefined) => void;

export interface DeliveryOptions {
  readonly snapshots: SnapshotCache;
  readonly fleet: Fleet;
  readonly log: Logger;
  readonly clock: Clock;
}

/**
 * Passes the snapshot that each agent should run from the controller to the stream of the agent. The controller sets
 * the resource versions of the snapshots and the namespaces that changed. Streams connect agents, subscribe to their
 * snapshots, and record what they sent. Controller and streams do not know each other.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #subscribers = new Map<Agent, Subscriber>();
  #versions: ResourceVersions | undefined;
  #versionsIn: ReadonlyMap<string, ResourceVersions> = new Map();
  /** The revisions that were logged as too large and that agents should still have, by namespace. */
  readonly #loggedTooLarge = new Map<string, Set<string>>();
  #onTouched: (namespace: string, touched: Touched) => void = () => {};

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** @param onTouched called with the policies and overrides of a new agent, whose counts change. */
  start(onTouched: (namespace: string, touched: Touched) => void): void {
    this.#onTouched = onTouched;
  }

  /** Sets the resource versions of the snapshots: for the namespaces in `byNamespace`, and for all others. */
  setVersions(others: ResourceVersions | undefined, byNamespace: ReadonlyMap<string, ResourceVersions>): void {
    this.#versions = others;
    this.#versionsIn = byNamespace;
  }

  /**
   * The resource versions of the snapshots of a namespace; undefined when the source has none. Never those of another
   * namespace: an agent that receives versions older than its own concludes that the replica is behind.
   */
  versionsOf(namespace: string): ResourceVersions | undefined {
    return this.#versionsIn.get(namespace) ?? this.#versions;
  }

  /**
   * Sets the target of every agent of a namespace to its current snapshot, and passes new targets to subscribers.
   *
   * @param seenAt when the operator saw the change, in ms.
   * @returns the policies and overrides that were added, changed or removed for any agent.
   */
  deliver(namespace: string, seenAt: number): Touched {
    const { fleet, log, snapshots: cache } = this.#options;
    const earlierTargets = new Map<Snapshot, Set<Snapshot | undefined>>();
    const pushed = new Map<string, { snapshot: Snapshot; agents: number }>();
    const versions = this.versionsOf(namespace);
    const tooLarge = new Set<string>();
    // By identity of the labels, which agents share, so that each snapshot is looked up once.
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
      if (snapshot.tooLarge !== undefined) tooLarge.add(snapshot.revision);
      if (!this.#setTarget(agent, snapshot) || snapshot.revision === before?.revision) continue;
      fleet.expectApplied(agent, snapshot, seenAt);
      if (!earlierTargets.has(snapshot)) earlierTargets.set(snapshot, new Set());
      earlierTargets.get(snapshot)!.add(before);
      const subscriber = this.#subscribers.get(agent);
      if (subscriber === undefined) continue;
      subscriber(snapshot, versions);
      const group = pushed.get(snapshot.revision) ?? { snapshot, agents: 0 };
      group.agents += 1;
      pushed.set(snapshot.revision, group);
    }
    this.#loggedTooLarge.delete(namespace);
    if (tooLarge.size > 0) this.#loggedTooLarge.set(namespace, tooLarge);
    for (const [revision, { snapshot, agents }] of pushed) {
      const { entries, overrides, bytes } = snapshot;
      log.info(
        { namespace, revision, agents, policies: entries.size, overrides: overrides.size, bytes },
        'pushed policies',
      );
    }
    return touchedBy(earlierTargets);
  }

  /**
   * Connects the agent of a new stream. Its target is what it should run: the current snapshot, or the one before where
   * that is too large. Each call needs one `disconnect`.
   *
   * @throws {LimitError} when a limit of agents or snapshots is reached.
   */
  connect(identity: Identity): Agent {
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
    return agent;
  }

  /** Passes new snapshots for the agent to this subscriber, which replaces an earlier one. */
  subscribe(agent: Agent, subscriber: Subscriber): void {
    this.#subscribers.set(agent, subscriber);
  }

  /** Called when a stream of an agent ended: `subscriber` is not called any more. */
  disconnect(agent: Agent, subscriber: Subscriber): void {
    this.#options.fleet.disconnect(agent);
    if (this.#subscribers.get(agent) === subscriber) this.#subscribers.delete(agent);
  }

  /** Called before a snapshot is sent to an agent, which may report its revision from then on. */
  sending(agent: Agent, snapshot: Snapshot): void {
    this.#options.fleet.sent(agent, snapshot);
  }

  /** The snapshot with this revision, if it is one of the last that were sent to the agent. */
  recentlySent(agent: Agent, revision: string | undefined): Snapshot | undefined {
    return this.#options.fleet.recentlySent(agent, revision);
  }

  /** Makes a snapshot the target of an agent; returns false when it is too large, and the agent keeps its own. */
  #setTarget(agent: Agent, snapshot: Snapshot): boolean {
    const { fleet, clock, log } = this.#options;
    if (snapshot.tooLarge === undefined) {
      fleet.setTarget(agent, snapshot, clock.now());
      return true;
    }
    fleet.markTooLarge(agent, clock.now());
    const { namespace, labels } = agent.identity;
    const logged = this.#loggedTooLarge.get(namespace) ?? new Set();
    if (!logged.has(snapshot.revision)) {
      this.#loggedTooLarge.set(namespace, logged.add(snapshot.revision));
      log.error({ namespace, labels }, snapshot.tooLarge);
    }
    return false;
  }
}

/** The policies and overrides that differ between new targets and the targets before. */
function touchedBy(earlierTargets: ReadonlyMap<Snapshot, ReadonlySet<Snapshot | undefined>>): Touched {
  const policies = new Set<PolicyUid>();
  const overrides = new Set<OverrideUid>();
  for (const [to, bases] of earlierTargets) {
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
