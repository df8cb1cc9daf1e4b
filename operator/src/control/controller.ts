import { setTimeout as sleep } from 'node:timers/promises';
import type { Report } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { ResourceVersions } from '../core/delivery/resource-versions.ts';
import { difference, type Snapshot } from '../core/delivery/snapshot.ts';
import { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Agent, Identity, Origin } from '../core/fleet/agent-record.ts';
import { Fleet, type Receipt } from '../core/fleet/fleet.ts';
import { LimitLog } from '../core/limits/limit-log.ts';
import { type Bounds, LIMITS } from '../core/limits/limits.ts';
import type { ActingOverride } from '../core/outages/outages.ts';
import { isActive, type Override, type OverrideStore } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { Labels } from '../core/policy/selector.ts';
import { FairBudget } from '../core/rate-limit/fair-budget.ts';
import { type AggregateChange, Aggregates } from '../core/replication/aggregates.ts';
import type { History } from '../ports/history.ts';
import { noOpQueueObserver, observed, type QueueObserver } from '../ports/queue-observer.ts';
import { type Replicas, singleReplica } from '../ports/replicas.ts';
import type { Source } from '../ports/source.ts';
import type { StatusSink } from '../ports/status-sink.ts';
import { OverrideReconciler } from './override-reconciler.ts';
import { PolicyStatusReconciler } from './policy-status-reconciler.ts';

/** Changes that come within this time are one push. */
const COALESCE_MS = 100;

/** Statuses are worked out at most this often. */
const STATUS_INTERVAL_MS = 200;

/** Between two rounds of statuses comes so many times what the one before took: pushes and reports go first. */
const STATUS_PAUSE_FACTOR = 9;

const SWEEP_MS = 1_000;

export interface ControllerOptions {
  readonly source: Source;
  readonly sink: StatusSink;
  readonly overrides: OverrideStore;
  readonly history: Pick<History, 'record' | 'forget'>;
  /** How long an override stays after its end, in ms. Absent: one hour. */
  readonly overrideRetentionMs?: number;
  /** Absent: this process is the only one. */
  readonly replicas?: Replicas;
  readonly log: Logger;
  readonly clock: Clock;
  /** Wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
  /** What may be remembered. Absent: as much as without flags. */
  readonly bounds?: Bounds;
  /** Counts what the bounds cut. Absent: nobody does. */
  readonly limits?: LimitLog;
  /** Who measures. Absent: nobody. */
  readonly observers?: ControllerObservers;
}

const NO_OVERRIDES: ReadonlyMap<string, Override> = new Map();

export interface ControllerObservers {
  /** Of the loop that brings snapshots and streams in line with the source. */
  readonly policies: QueueObserver;
  /** Of the loop that works out statuses. */
  readonly status: QueueObserver;
  /** An agent applied a change so long after this process saw it. */
  applied(tookMs: number): void;
}

/** Between the begins of two reads of the source that agents ask for. */
const CATCH_UP_MS = 1_000 / LIMITS['catch-ups'].value;

/** Lines about what a pod reports that may be written at once. */
const REPORT_LINES_BURST = 20;

/** Loops look at everything at once: their queues have room for one item. */
const ROUND = 'round';

const NO_OBSERVERS: ControllerObservers = { policies: noOpQueueObserver, status: noOpQueueObserver, applied() {} };

/** Hands a snapshot to the stream of an agent; returns whether it has one. */
export type Push = (agent: Agent, snapshot: Snapshot, asOf: ResourceVersions | undefined) => boolean;

/**
 * The one loop: it reads the whole state of the source and of the fleet, and brings streams and statuses in line with
 * it. What woke it up does not matter, so that a lost or repeated notice is harmless.
 */
export class Controller {
  readonly snapshots = new SnapshotCache();
  readonly fleet: Fleet;
  readonly aggregates = new Aggregates();
  readonly limits: LimitLog;
  readonly replicas: Replicas;
  readonly policyStatus: PolicyStatusReconciler;
  readonly overrides: OverrideReconciler;
  readonly source: Source;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  readonly #observers: ControllerObservers;
  readonly #history: Pick<History, 'record' | 'forget'>;
  #push: Push = () => false;
  #asOf: ResourceVersions | undefined;
  #asOfIn: ReadonlyMap<string, ResourceVersions> = new Map();
  #reconciled = false;
  #reconcileTimer: NodeJS.Timeout | undefined;
  /** When the source told of the first change that no loop has seen. */
  #firstChangeAt: number | undefined;
  #statusTimer: NodeJS.Timeout | undefined;
  /** The end of the next override. */
  #nextEndTimer: NodeJS.Timeout | undefined;
  #statusIntervalMs = STATUS_INTERVAL_MS;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweptAt: number;
  #catchingUp: Promise<void> | undefined;
  #caughtUpAt = Number.NEGATIVE_INFINITY;
  readonly #reportLines: FairBudget;
  readonly #loggedTooLarge = new Set<string>();

  constructor({
    source,
    sink,
    overrides: store,
    history,
    overrideRetentionMs: retentionMs = 3_600_000,
    replicas = singleReplica,
    log,
    clock,
    wallClock,
    bounds,
    limits = new LimitLog(),
    observers,
  }: ControllerOptions) {
    this.limits = limits;
    this.fleet = new Fleet(bounds, limits, (at) => wallClock() - (clock.now() - at));
    this.#reportLines = new FairBudget({
      perKey: LIMITS['log-lines-of-pod'].value,
      burst: REPORT_LINES_BURST,
      total: LIMITS['log-lines'].value,
      clock,
    });
    this.source = source;
    this.replicas = replicas;
    this.#log = log;
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#observers = observers ?? NO_OBSERVERS;
    this.#history = history;
    this.#sweptAt = clock.now();
    const { snapshots, fleet, aggregates } = this;
    const shared = { snapshots, fleet, aggregates, replicas, sink, log, clock, wallClock };
    this.policyStatus = new PolicyStatusReconciler(shared);
    this.overrides = new OverrideReconciler({ ...shared, store, retentionMs });
  }

  start(push: Push): void {
    this.#push = push;
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.replicas.start(this.aggregates, {
      changed: (changes) => this.#onReplicaReport(changes),
      elected: () => {
        this.policyStatus.onElected();
        this.overrides.onElected();
        // What was edited while nobody led.
        for (const { policy } of this.snapshots.all()) this.#history.record(policy);
        this.#requestAllStatuses();
      },
      regrouped: (left) => {
        if (left) this.policyStatus.beginGracePeriod();
        this.#requestAllStatuses();
      },
    });
    this.source.start(() => {
      this.#firstChangeAt ??= this.#clock.now();
      this.#observers.policies.added(ROUND);
      this.#reconcileTimer ??= setTimeout(() => this.#reconcile(), this.#reconciled ? COALESCE_MS : 0);
    });
  }

  stop(): void {
    clearTimeout(this.#reconcileTimer);
    clearTimeout(this.#statusTimer);
    clearTimeout(this.#nextEndTimer);
    clearInterval(this.#sweepTimer);
  }

  /** Whether policies were read at least once and are on the snapshots. */
  get synced(): boolean {
    return this.#reconciled;
  }

  /**
   * How new the snapshots of a namespace are; absent where the source has no versions. Never that of another namespace:
   * an agent that is told of an older one than it has would take it for news from a replica that is behind.
   */
  asOf(namespace: string): ResourceVersions | undefined {
    return this.#asOfIn.get(namespace) ?? this.#asOf;
  }

  /**
   * Reads the source afresh and brings the snapshots in line; rejects in an outage. Calls that wait together share one
   * read, and between the begins of two reads lies a second, whatever asks for them.
   */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readAfresh().finally(() => {
      this.#catchingUp = undefined;
    });
    await this.#catchingUp;
  }

  async #readAfresh(): Promise<void> {
    const waitMs = this.#caughtUpAt + CATCH_UP_MS - this.#clock.now();
    if (waitMs > 0) {
      this.limits.reached('catch-ups');
      await sleep(waitMs);
    }
    this.#caughtUpAt = this.#clock.now();
    await this.source.refresh();
    this.#reconcile();
  }

  /**
   * An agent opened a stream: what it should get, or why it cannot get it.
   *
   * @throws {LimitError} when there is no room for it.
   */
  connect(identity: Identity): { agent: Agent; snapshot: Snapshot } {
    const snapshot = this.snapshots.snapshot(identity.namespace, identity.labels);
    this.fleet.checkRoomFor(identity.namespace, snapshot);
    const agent = this.fleet.connect(identity, this.#clock.now());
    this.#setTarget(agent, snapshot);
    this.#requestStatus(identity.namespace, [...snapshot.entries.keys(), ...snapshot.overrides.keys()]);
    return { agent, snapshot };
  }

  disconnect(agent: Agent): void {
    this.fleet.disconnect(agent);
  }

  sent(agent: Agent, snapshot: Snapshot): void {
    this.fleet.sent(agent, snapshot);
  }

  report(from: Origin, report: Report): Receipt {
    const { namespace } = from;
    const receipt = this.fleet.report(from, report, this.#clock.now());
    if (receipt.kind === 'accepted') {
      this.#requestStatus(namespace, receipt.touched);
      const { pod } = from;
      this.policyStatus.onReport(namespace, report.instance, receipt, () => this.mayLog(namespace, pod));
      for (const tookMs of receipt.tookMs) this.#observers.applied(tookMs);
    }
    return receipt;
  }

  /** Whether a line may be written about what a pod says. */
  mayLog(namespace: string, pod: string | undefined): boolean {
    const spent = this.#reportLines.take(pod ?? namespace);
    if (spent !== undefined)
      this.limits.reached(spent === 'own' ? 'log-lines-of-pod' : 'log-lines', { namespace, pod });
    return spent === undefined;
  }

  #reconcile(): void {
    clearTimeout(this.#reconcileTimer);
    this.#reconcileTimer = undefined;
    const seenAt = this.#firstChangeAt ?? this.#clock.now();
    this.#firstChangeAt = undefined;
    observed(this.#observers.policies, ROUND, () => this.#applySource(seenAt));
  }

  /** @param seenAt when the changes since the last time were seen. */
  #applySource(seenAt: number): void {
    const {
      synced,
      asOf,
      asOfIn,
      policies,
      overrides = NO_OVERRIDES,
      overridesAsOf,
      overridesAsOfIn,
    } = this.source.state();
    if (!synced) return;
    this.#asOfIn = new Map(
      [...(asOfIn ?? [])].map(([namespace, version]) => [
        namespace,
        resourceVersionsOf(version, overridesAsOfIn?.get(namespace)),
      ]),
    );
    const both = resourceVersionsOf(asOf, overridesAsOf);
    this.#asOf = Object.keys(both).length === 0 ? undefined : both;
    this.#reconciled = true;
    const now = this.#wallClock();
    this.overrides.setOverrides(overrides.values());
    const active = [...overrides.values()].filter((override) => isActive(override, now));
    this.#scheduleNextEnd(active, now);
    this.fleet.outages.setOverrides(active.map(actingOverride));
    const change = this.snapshots.update([...policies.values()], active);
    this.#loggedTooLarge.clear();
    for (const policy of [...change.added, ...change.changed]) {
      this.policyStatus.onPolicyChanged(policy);
      this.#history.record(policy);
    }
    for (const policy of change.added) this.#logChange(policy, 'policy added');
    for (const policy of change.changed) this.#logChange(policy, 'policy changed');
    for (const policy of change.removed) {
      this.#logChange(policy, 'policy removed');
      this.policyStatus.forget(policy);
      this.#history.forget(policy);
      this.fleet.counters.drop(policy.namespace, policy.name);
    }
    for (const namespace of change.namespaces) {
      this.#requestStatus(namespace, this.#deliver(namespace, seenAt));
      this.#requestStatus(namespace, change.affected.get(namespace) ?? []);
    }
    for (const { namespace, uid } of [...change.started, ...change.ended]) this.#requestStatus(namespace, [uid]);
  }

  /** Snapshots hold no override that has ended. */
  #scheduleNextEnd(active: readonly Override[], now: number): void {
    clearTimeout(this.#nextEndTimer);
    if (active.length === 0) return;
    const next = Math.min(...active.map(({ expiresAt }) => expiresAt));
    this.#nextEndTimer = setTimeout(() => this.#reconcile(), next - now);
  }

  /** Pushes what is new; returns the policies that came to, changed at or left some agent. */
  #deliver(namespace: string, seenAt: number): Set<string> {
    const moved = new Map<Snapshot, Set<Snapshot | undefined>>();
    const pushed = new Map<string, { snapshot: Snapshot; agents: number }>();
    const asOf = this.asOf(namespace);
    // By identity: what agents share is not read again for each of them.
    const snapshots = new Map<Labels, Snapshot>();
    const snapshotFor = (labels: Labels) => {
      const snapshot = this.snapshots.snapshot(namespace, labels);
      snapshots.set(labels, snapshot);
      return snapshot;
    };
    for (const agent of this.fleet.agents(namespace)) {
      const { labels } = agent.identity;
      const snapshot = snapshots.get(labels) ?? snapshotFor(labels);
      const before = agent.target;
      if (!this.#setTarget(agent, snapshot) || snapshot.revision === before?.revision) continue;
      this.fleet.expectApplied(agent, snapshot, seenAt);
      if (!moved.has(snapshot)) moved.set(snapshot, new Set());
      moved.get(snapshot)!.add(before);
      if (!this.#push(agent, snapshot, asOf)) continue;
      const group = pushed.get(snapshot.revision) ?? { snapshot, agents: 0 };
      group.agents += 1;
      pushed.set(snapshot.revision, group);
    }
    for (const [revision, { snapshot, agents }] of pushed) {
      this.#log.info(
        {
          namespace,
          revision,
          agents,
          policies: snapshot.entries.size,
          overrides: snapshot.overrides.size,
          bytes: snapshot.bytes,
        },
        'pushed policies',
      );
    }
    const touched = new Set<string>();
    for (const [snapshot, bases] of moved) {
      for (const base of bases) {
        const { policies, overrides, removed } = difference(base, snapshot);
        for (const { uid } of [...policies, ...overrides]) touched.add(uid);
        for (const uid of removed) touched.add(uid);
      }
    }
    return touched;
  }

  /** Makes a snapshot the target of an agent, unless it is too large to be sent; the agent then keeps what it has. */
  #setTarget(agent: Agent, snapshot: Snapshot): boolean {
    if (snapshot.tooLarge === undefined) {
      this.fleet.setTarget(agent, snapshot, this.#clock.now());
      return true;
    }
    this.fleet.markTooLarge(agent, this.#clock.now());
    if (!this.#loggedTooLarge.has(snapshot.revision)) {
      this.#loggedTooLarge.add(snapshot.revision);
      this.#log.error({ namespace: agent.identity.namespace, labels: agent.identity.labels }, snapshot.tooLarge);
    }
    return false;
  }

  /** Other replicas count something else. */
  #onReplicaReport(changes: readonly AggregateChange[]): void {
    for (const change of changes) {
      if (this.overrides.has(change.uid)) this.#requestStatus('', [change.uid]);
      const policy = this.snapshots.find(change.uid)?.policy;
      if (!policy) continue;
      this.policyStatus.onReplicaReport(change);
      this.#requestStatus(policy.namespace, [policy.uid]);
    }
  }

  #requestAllStatuses(): void {
    this.overrides.touchAll();
    for (const namespace of this.snapshots.namespaces()) {
      this.#requestStatus(
        namespace,
        this.snapshots.policies(namespace).map(({ policy }) => policy.uid),
      );
    }
  }

  #logChange(policy: Policy, message: string): void {
    const { namespace, name, uid, generation } = policy;
    this.#log.info({ namespace, policy: name, uid, generation }, message);
  }

  #requestStatus(namespace: string, uids: Iterable<string>): void {
    const touched = [...uids];
    this.overrides.touch(touched);
    this.policyStatus.touch(namespace, touched);
    this.#observers.status.added(ROUND);
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = undefined;
      const begun = this.#clock.now();
      observed(this.#observers.status, ROUND, () => {
        this.policyStatus.reconcile();
        this.overrides.reconcile();
      });
      this.#statusIntervalMs = Math.max(STATUS_INTERVAL_MS, STATUS_PAUSE_FACTOR * (this.#clock.now() - begun));
    }, this.#statusIntervalMs);
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const namespace of this.fleet.sweep(this.#sweptAt, now)) {
      this.#requestStatus(
        namespace,
        this.snapshots.policies(namespace).map(({ policy }) => policy.uid),
      );
    }
    this.fleet.circuits.sweep(now, (uid) => this.snapshots.find(uid) !== undefined);
    for (const [namespace, uids] of this.policyStatus.timeDependent()) this.#requestStatus(namespace, uids);
    if (this.overrides.sweep()) this.#requestStatus('', []);
    this.policyStatus.rewrite();
    this.overrides.rewrite();
    this.#sweptAt = now;
  }
}

const actingOverride = ({ uid, namespace, createdAt: at, createdBy: by, spec }: Override): ActingOverride => {
  const { breakers, action, reason } = spec;
  return { uid, namespace, at, breakers, action, ...(reason && { reason }), ...(by !== undefined && { by }) };
};

const resourceVersionsOf = (policies: string | undefined, overrides: string | undefined): ResourceVersions => ({
  ...(policies && { policies }),
  ...(overrides && { overrides }),
});
