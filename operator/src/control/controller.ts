import { setTimeout as systemSleep } from 'node:timers/promises';
import type { Report } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { ResourceVersions } from '../core/delivery/resource-versions.ts';
import { SnapshotCache } from '../core/delivery/snapshot-cache.ts';
import type { Origin } from '../core/fleet/agent-record.ts';
import { Fleet, type Receipt } from '../core/fleet/fleet.ts';
import { LimitLog } from '../core/limits/limit-log.ts';
import { type Bounds, LIMITS } from '../core/limits/limits.ts';
import type { ActingOverride } from '../core/outages/outage.ts';
import { SAVE_INTERVAL_MS } from '../core/outages/outages.ts';
import { isActive, type Override } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import { FairBudget } from '../core/rate-limit/fair-budget.ts';
import { type AggregateChange, Aggregates } from '../core/replication/aggregates.ts';
import type { OverrideUid, PolicyUid, Touched } from '../core/uid.ts';
import type { History } from '../ports/history.ts';
import type { OutageStore } from '../ports/outage-store.ts';
import type { OverrideStore } from '../ports/override-store.ts';
import { noOpQueueObserver, observed, type QueueObserver } from '../ports/queue-observer.ts';
import { type Replicas, singleReplica } from '../ports/replicas.ts';
import type { Source } from '../ports/source.ts';
import type { StatusSink } from '../ports/status-sink.ts';
import { Delivery } from './delivery.ts';
import { OverrideStatusReconciler } from './override-status-reconciler.ts';
import { PolicyStatusReconciler } from './policy-status-reconciler.ts';

/** Changes within this time are one push. */
const COALESCE_MS = 100;

/** Minimum time between two rounds of statuses. */
const STATUS_INTERVAL_MS = 200;

/** The pause between two rounds, as a multiple of the duration of the last one, because pushes and reports go first. */
const STATUS_PAUSE_FACTOR = 9;

const SWEEP_MS = 1_000;

/** The most outages that are saved in a sweep; the others follow in the next. */
const SAVED_OF_SWEEP = 20;

export interface ControllerOptions {
  readonly source: Source;
  readonly sink: StatusSink;
  readonly overrides: OverrideStore;
  readonly history: Pick<History, 'record' | 'forget'>;
  /** Absent: outages are lost with the process. */
  readonly outages?: Pick<OutageStore, 'save' | 'remove'> | undefined;
  /** How long an override is kept after its end, in ms. Absent: one hour. */
  readonly overrideRetentionMs?: number;
  /** Absent: this process is the only one. */
  readonly replicas?: Replicas;
  readonly log: Logger;
  readonly clock: Clock;
  /** Wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
  /** Limits of the fleet. Absent: the defaults of the flags. */
  readonly bounds?: Bounds;
  /** Counts refusals by limits. Absent: they are not counted. */
  readonly limits?: LimitLog;
  /** Observes the queues. Absent: no observer. */
  readonly observers?: ControllerObservers;
  /** Waits for `ms`. Absent: the timers of the process. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

const NO_OVERRIDES: ReadonlyMap<string, Override> = new Map();

export interface ControllerObservers {
  /** Of the loop that updates snapshots and deliveries from the source. */
  readonly policies: QueueObserver;
  /** Of the loop that computes statuses. */
  readonly status: QueueObserver;
  /** An agent applied a change, `tookMs` after this process saw it. */
  applied(tookMs: number): void;
}

/** Minimum time between the starts of two catch-up reads of the source, in ms. */
const CATCH_UP_MS = 1_000 / LIMITS['catch-ups'].value;

/** Log lines about the reports of a pod that may be written at once. */
const REPORT_LINES_BURST = 20;

/** The only item in the queue of a loop, because a loop processes everything in one round. */
const ROUND = 'round';

const NO_OBSERVERS: ControllerObservers = { policies: noOpQueueObserver, status: noOpQueueObserver, applied() {} };

/**
 * Two level-triggered loops: one updates deliveries from the whole state of the source, the other computes statuses
 * from it and from the fleet. Neither depends on which event started it, so that a lost or repeated event is harmless.
 */
export class Controller {
  readonly snapshots = new SnapshotCache();
  readonly fleet: Fleet;
  readonly delivery: Delivery;
  readonly limits: LimitLog;
  readonly replicas: Replicas;
  readonly policyStatus: PolicyStatusReconciler;
  readonly overrideStatus: OverrideStatusReconciler;
  readonly source: Source;
  readonly #aggregates = new Aggregates();
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  readonly #observers: ControllerObservers;
  readonly #sleep: (ms: number) => Promise<unknown>;
  readonly #history: Pick<History, 'record' | 'forget'>;
  readonly #outages: Pick<OutageStore, 'save' | 'remove'> | undefined;
  #reconciled = false;
  #stopped = false;
  #reconcileTimer: NodeJS.Timeout | undefined;
  /** When the source reported the oldest change that is not yet processed. */
  #firstChangeAt: number | undefined;
  #statusTimer: NodeJS.Timeout | undefined;
  /** Fires at the end of the next override. */
  #nextEndTimer: NodeJS.Timeout | undefined;
  #statusIntervalMs = STATUS_INTERVAL_MS;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweptAt: number;
  #catchingUp: Promise<void> | undefined;
  #caughtUpAt = Number.NEGATIVE_INFINITY;
  readonly #reportLines: FairBudget;

  constructor({
    source,
    sink,
    overrides: store,
    history,
    outages,
    overrideRetentionMs: retentionMs = 3_600_000,
    replicas = singleReplica,
    log,
    clock,
    wallClock,
    bounds,
    limits = new LimitLog(),
    observers,
    sleep = systemSleep,
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
    this.#sleep = sleep;
    this.#history = history;
    this.#outages = outages;
    this.#sweptAt = clock.now();
    const { snapshots, fleet } = this;
    const aggregates = this.#aggregates;
    this.delivery = new Delivery({ snapshots, fleet, log, clock });
    const shared = { snapshots, fleet, aggregates, replicas, sink, log, clock, wallClock };
    this.policyStatus = new PolicyStatusReconciler(shared);
    this.overrideStatus = new OverrideStatusReconciler({ ...shared, store, retentionMs });
  }

  start(): void {
    this.delivery.start((namespace, touched) => this.#requestStatus(namespace, touched));
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.replicas.start(this.#aggregates, {
      changed: (changes) => this.#onReplicaReport(changes),
      elected: () => {
        this.policyStatus.onElected();
        this.overrideStatus.onElected();
        // Policies may have been edited while there was no leader.
        for (const { policy } of this.snapshots.all()) this.#history.record(policy);
        this.#requestAllStatuses();
      },
      regrouped: (left) => {
        if (left) this.policyStatus.beginGracePeriod();
        this.#requestAllStatuses();
      },
    });
    this.source.start(() => {
      if (this.#stopped) return;
      this.#firstChangeAt ??= this.#clock.now();
      this.#observers.policies.added(ROUND);
      this.#reconcileTimer ??= setTimeout(() => this.#reconcile(), this.#reconciled ? COALESCE_MS : 0);
    });
  }

  /**
   * Stops for good: what the source, agents or other replicas report afterwards reaches no status. Also saves all
   * outages, so that only what is written in the meantime has to be waited for.
   */
  stop(): void {
    this.#stopped = true;
    this.#saveOutages({ max: Number.POSITIVE_INFINITY, intervalMs: 0 });
    clearTimeout(this.#reconcileTimer);
    clearTimeout(this.#statusTimer);
    clearTimeout(this.#nextEndTimer);
    clearInterval(this.#sweepTimer);
  }

  /** The names of the other replicas that are known. */
  get otherReplicas(): readonly string[] {
    return this.#aggregates.others;
  }

  /** Whether policies were read at least once and are in the snapshots. */
  get synced(): boolean {
    return this.#reconciled;
  }

  /**
   * Reads the source again and updates the snapshots; rejects while the source cannot be read. Concurrent calls share
   * one read, and two reads start at least a second apart.
   */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.#readAgain().finally(() => {
      this.#catchingUp = undefined;
    });
    await this.#catchingUp;
  }

  async #readAgain(): Promise<void> {
    const waitMs = this.#caughtUpAt + CATCH_UP_MS - this.#clock.now();
    if (waitMs > 0) {
      this.limits.reached('catch-ups');
      await this.#sleep(waitMs);
    }
    this.#caughtUpAt = this.#clock.now();
    await this.source.refresh();
    this.#reconcile();
  }

  /** Counts a report of an agent, and schedules the statuses that may change. */
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

  /** Whether a log line about a report of this pod may be written now. */
  mayLog(namespace: string, pod: string | undefined): boolean {
    const spent = this.#reportLines.take(pod ?? namespace);
    if (spent !== undefined)
      this.limits.reached(spent === 'own' ? 'log-lines-of-pod' : 'log-lines', { namespace, pod });
    return spent === undefined;
  }

  #reconcile(): void {
    clearTimeout(this.#reconcileTimer);
    this.#reconcileTimer = undefined;
    if (this.#stopped) return;
    const seenAt = this.#firstChangeAt ?? this.#clock.now();
    this.#firstChangeAt = undefined;
    observed(this.#observers.policies, ROUND, () => this.#applySource(seenAt));
  }

  /** @param seenAt when the oldest of the changes was seen. */
  #applySource(seenAt: number): void {
    const {
      synced,
      resourceVersion,
      resourceVersionIn,
      policies,
      overrides = NO_OVERRIDES,
      overridesVersion,
      overridesVersionIn,
    } = this.source.state();
    if (!synced) return;
    const both = resourceVersionsOf(resourceVersion, overridesVersion);
    this.delivery.setVersions(
      Object.keys(both).length === 0 ? undefined : both,
      new Map(
        [...(resourceVersionIn ?? [])].map(([namespace, version]) => [
          namespace,
          resourceVersionsOf(version, overridesVersionIn?.get(namespace)),
        ]),
      ),
    );
    this.#reconciled = true;
    const now = this.#wallClock();
    this.overrideStatus.setOverrides(overrides.values());
    const active = [...overrides.values()].filter((override) => isActive(override, now));
    this.#scheduleNextEnd(active, now);
    this.fleet.outages.setOverrides(active.map(actingOverride));
    const change = this.snapshots.update([...policies.values()], active);
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
      this.#requestStatus(namespace, this.delivery.deliver(namespace, seenAt));
      this.#requestPolicyStatus(namespace, change.affected.get(namespace) ?? []);
    }
    for (const { namespace, uid } of [...change.started, ...change.ended]) {
      this.#requestOverrideStatus(namespace, [uid]);
    }
  }

  /** Reconciles when the next override ends, so that snapshots contain no ended override. */
  #scheduleNextEnd(active: readonly Override[], now: number): void {
    clearTimeout(this.#nextEndTimer);
    if (active.length === 0) return;
    const next = Math.min(...active.map(({ expiresAt }) => expiresAt));
    this.#nextEndTimer = setTimeout(() => this.#reconcile(), next - now);
  }

  /** Called when counts of other replicas changed. */
  #onReplicaReport(changes: readonly AggregateChange[]): void {
    for (const change of changes) {
      const override = this.overrideStatus.get(change.uid);
      if (override) this.#requestOverrideStatus(override.namespace, [override.uid]);
      const policy = this.snapshots.find(change.uid)?.policy;
      if (!policy) continue;
      this.policyStatus.onReplicaReport(change);
      this.#requestPolicyStatus(policy.namespace, [policy.uid]);
    }
  }

  #requestAllStatuses(): void {
    this.overrideStatus.touchAll();
    for (const namespace of this.snapshots.namespaces()) this.#requestPolicyStatuses(namespace);
  }

  #requestPolicyStatuses(namespace: string): void {
    this.#requestPolicyStatus(
      namespace,
      this.snapshots.policies(namespace).map(({ policy }) => policy.uid),
    );
  }

  #logChange(policy: Policy, message: string): void {
    const { namespace, name, uid, generation } = policy;
    this.#log.info({ namespace, policy: name, uid, generation }, message);
  }

  #requestStatus(namespace: string, { policies, overrides }: Touched): void {
    this.#requestPolicyStatus(namespace, policies);
    this.#requestOverrideStatus(namespace, overrides);
  }

  #requestPolicyStatus(namespace: string, uids: Iterable<PolicyUid>): void {
    this.policyStatus.touch(namespace, uids);
    this.#scheduleStatuses();
  }

  #requestOverrideStatus(namespace: string, uids: Iterable<OverrideUid>): void {
    this.overrideStatus.touch(namespace, uids);
    this.#scheduleStatuses();
  }

  #scheduleStatuses(): void {
    if (this.#stopped) return;
    this.#observers.status.added(ROUND);
    this.#statusTimer ??= setTimeout(() => {
      this.#statusTimer = undefined;
      const begun = this.#clock.now();
      observed(this.#observers.status, ROUND, () => {
        this.policyStatus.reconcile();
        this.overrideStatus.reconcile();
      });
      this.#statusIntervalMs = Math.max(STATUS_INTERVAL_MS, STATUS_PAUSE_FACTOR * (this.#clock.now() - begun));
    }, this.#statusIntervalMs);
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const namespace of this.fleet.sweep(this.#sweptAt, now)) this.#requestPolicyStatuses(namespace);
    this.fleet.fleetBreakers.sweep(now, (uid) => this.snapshots.find(uid) !== undefined);
    for (const [namespace, uids] of this.policyStatus.timeDependent()) this.#requestPolicyStatus(namespace, uids);
    this.policyStatus.announceOutagesOver();
    if (this.overrideStatus.sweep()) this.#scheduleStatuses();
    this.policyStatus.rewrite();
    this.overrideStatus.rewrite();
    this.#saveOutages({ max: SAVED_OF_SWEEP, intervalMs: SAVE_INTERVAL_MS });
    this.#sweptAt = now;
  }

  #saveOutages(limits: { readonly max: number; readonly intervalMs: number }): void {
    if (this.#outages === undefined) return;
    const { changed, removed } = this.fleet.outages.drainChanges(this.#clock.now(), limits);
    for (const outage of changed) this.#outages.save(outage);
    for (const key of removed) this.#outages.remove(key);
  }
}

const actingOverride = (override: Override): ActingOverride => {
  const { uid, namespace, name, createdAt: at, expiresAt: until, createdBy: by, spec } = override;
  const { breakers, selector, action, reason } = spec;
  return {
    ...{ uid, namespace, name, at, until, breakers, action },
    ...(selector && { selector }),
    ...(reason && { reason }),
    ...(by !== undefined && { by }),
  };
};

const resourceVersionsOf = (policies: string | undefined, overrides: string | undefined): ResourceVersions => ({
  ...(policies && { policies }),
  ...(overrides && { overrides }),
});
