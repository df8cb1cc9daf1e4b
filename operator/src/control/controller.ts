import type { Report } from '@fuseboard/schema';
import type { Logger } from 'pino';
import type { Clock } from '../core/clock.ts';
import type { AsOf } from '../core/delivery/resource-versions.ts';
import { type Board, difference } from '../core/delivery/snapshot.ts';
import { Boards } from '../core/delivery/snapshots.ts';
import type { Agent, Identity, Origin } from '../core/fleet/agent-record.ts';
import { Fleet, type Receipt } from '../core/fleet/fleet.ts';
import { isActive, type Override, type OverrideStore } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { Labels } from '../core/policy/selector.ts';
import { type AggregateChange, Aggregates } from '../core/replication/aggregates.ts';
import type { History } from '../ports/history.ts';
import { observed, type QueueObserver, unobserved } from '../ports/queue-observer.ts';
import { alone, type Replicas } from '../ports/replicas.ts';
import type { Source } from '../ports/source.ts';
import type { StatusSink } from '../ports/status-sink.ts';
import { OverrideJudge } from './override-reconciler.ts';
import { Judge } from './policy-status-reconciler.ts';

/** Changes that come within this time are one push. */
const COALESCE_MS = 100;

/** Statuses are worked out at most this often. */
const JUDGE_MS = 200;

/** Between two rounds of statuses comes so many times what the one before took: pushes and reports go first. */
const JUDGE_PAUSE = 9;

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
  /** Who measures. Absent: nobody. */
  readonly observers?: ControllerObservers;
}

const NO_OVERRIDES: ReadonlyMap<string, Override> = new Map();

export interface ControllerObservers {
  /** Of the loop that brings boards and streams in line with the source. */
  readonly policies: QueueObserver;
  /** Of the loop that works out statuses. */
  readonly status: QueueObserver;
  /** An agent applied a change so long after this process saw it. */
  applied(tookMs: number): void;
}

/** Loops look at everything at once: their queues have room for one item. */
const ROUND = 'round';

const UNOBSERVED: ControllerObservers = { policies: unobserved, status: unobserved, applied() {} };

/** Hands a board to the stream of an agent; returns whether it has one. */
export type Push = (agent: Agent, board: Board, asOf: AsOf | undefined) => boolean;

/**
 * The one loop: it reads the whole state of the source and of the fleet, and brings streams and statuses in line with it.
 * What woke it up does not matter, so that a lost or repeated notice is harmless.
 */
export class Controller {
  readonly boards = new Boards();
  readonly fleet = new Fleet();
  readonly aggregates = new Aggregates();
  readonly replicas: Replicas;
  readonly judge: Judge;
  readonly overrides: OverrideJudge;
  readonly source: Source;
  readonly #log: Logger;
  readonly #clock: Clock;
  readonly #wallClock: () => number;
  readonly #observers: ControllerObservers;
  readonly #history: Pick<History, 'record' | 'forget'>;
  #push: Push = () => false;
  #asOf: AsOf | undefined;
  #asOfIn: ReadonlyMap<string, AsOf> = new Map();
  #reconciled = false;
  #reconcileTimer: NodeJS.Timeout | undefined;
  /** When the source told of the first change that no loop has seen. */
  #noticedAt: number | undefined;
  #judgeTimer: NodeJS.Timeout | undefined;
  /** The end of the next override. */
  #endTimer: NodeJS.Timeout | undefined;
  #judgeMs = JUDGE_MS;
  #sweepTimer: NodeJS.Timeout | undefined;
  #sweptAt: number;
  #catchingUp: Promise<void> | undefined;
  readonly #refused = new Set<string>();

  constructor({
    source,
    sink,
    overrides: store,
    history,
    overrideRetentionMs: retentionMs = 3_600_000,
    replicas = alone,
    log,
    clock,
    wallClock,
    observers,
  }: ControllerOptions) {
    this.source = source;
    this.replicas = replicas;
    this.#log = log;
    this.#clock = clock;
    this.#wallClock = wallClock;
    this.#observers = observers ?? UNOBSERVED;
    this.#history = history;
    this.#sweptAt = clock.now();
    const { boards, fleet, aggregates } = this;
    const shared = { boards, fleet, aggregates, replicas, sink, log, clock, wallClock };
    this.judge = new Judge(shared);
    this.overrides = new OverrideJudge({ ...shared, store, retentionMs });
  }

  start(push: Push): void {
    this.#push = push;
    this.#sweepTimer = setInterval(() => this.#sweep(), SWEEP_MS);
    this.replicas.start(this.aggregates, {
      changed: (changes) => this.#elsewhere(changes),
      elected: () => {
        this.judge.lead();
        this.overrides.lead();
        // What was edited while nobody led.
        for (const { policy } of this.boards.all()) this.#history.record(policy);
        this.#touchAll();
      },
      regrouped: (left) => {
        if (left) this.judge.gather();
        this.#touchAll();
      },
    });
    this.source.start(() => {
      this.#noticedAt ??= this.#clock.now();
      this.#observers.policies.added(ROUND);
      this.#reconcileTimer ??= setTimeout(() => this.#reconcile(), this.#reconciled ? COALESCE_MS : 0);
    });
  }

  stop(): void {
    clearTimeout(this.#reconcileTimer);
    clearTimeout(this.#judgeTimer);
    clearTimeout(this.#endTimer);
    clearInterval(this.#sweepTimer);
  }

  /** Whether policies were read at least once and are on the boards. */
  get synced(): boolean {
    return this.#reconciled;
  }

  /**
   * How new the boards of a namespace are; absent where the source has no versions. Never that of another namespace: an agent that
   * is told of an older one than it has would take it for news from a replica that is behind.
   */
  asOf(namespace: string): AsOf | undefined {
    return this.#asOfIn.get(namespace) ?? this.#asOf;
  }

  /** Reads the source afresh and brings the boards in line; rejects in an outage. Calls that wait together share one reading. */
  async catchUp(): Promise<void> {
    this.#catchingUp ??= this.source
      .refresh()
      .then(() => this.#reconcile())
      .finally(() => {
        this.#catchingUp = undefined;
      });
    await this.#catchingUp;
  }

  /** An agent opened a stream: what it should get, or why it cannot get it. */
  connect(identity: Identity): { agent: Agent; board: Board } {
    const agent = this.fleet.connect(identity, this.#clock.now());
    const board = this.boards.board(identity.namespace, identity.labels);
    this.#aim(agent, board);
    this.#touch(identity.namespace, [...board.entries.keys(), ...board.overrides.keys()]);
    return { agent, board };
  }

  disconnect(agent: Agent): void {
    this.fleet.disconnect(agent);
  }

  sent(agent: Agent, board: Board): void {
    this.fleet.sent(agent, board);
  }

  report(from: Origin, report: Report): Receipt {
    const { namespace } = from;
    const receipt = this.fleet.report(from, report, this.#clock.now());
    if (receipt.kind === 'accepted') {
      this.#touch(namespace, receipt.touched);
      this.judge.heard(namespace, report.instance, receipt);
      for (const tookMs of receipt.tookMs) this.#observers.applied(tookMs);
    }
    return receipt;
  }

  #reconcile(): void {
    clearTimeout(this.#reconcileTimer);
    this.#reconcileTimer = undefined;
    const seenAt = this.#noticedAt ?? this.#clock.now();
    this.#noticedAt = undefined;
    observed(this.#observers.policies, ROUND, () => this.#bringInLine(seenAt));
  }

  /** @param seenAt when the changes since the last time were seen. */
  #bringInLine(seenAt: number): void {
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
      [...(asOfIn ?? [])].map(([namespace, version]) => [namespace, asOfOf(version, overridesAsOfIn?.get(namespace))]),
    );
    const both = asOfOf(asOf, overridesAsOf);
    this.#asOf = Object.keys(both).length === 0 ? undefined : both;
    this.#reconciled = true;
    const now = this.#wallClock();
    this.overrides.take(overrides.values());
    const active = [...overrides.values()].filter((override) => isActive(override, now));
    this.#awaitEnd(active, now);
    const change = this.boards.update([...policies.values()], active);
    this.#refused.clear();
    for (const policy of [...change.added, ...change.changed]) {
      this.judge.changed(policy);
      this.#history.record(policy);
    }
    for (const policy of change.added) this.#note(policy, 'policy added');
    for (const policy of change.changed) this.#note(policy, 'policy changed');
    for (const policy of change.removed) {
      this.#note(policy, 'policy removed');
      this.judge.forget(policy);
      this.#history.forget(policy);
      this.fleet.counters.drop(policy.namespace, policy.name);
    }
    for (const namespace of change.namespaces) {
      this.#touch(namespace, this.#distribute(namespace, seenAt));
      this.#touch(namespace, change.affected.get(namespace) ?? []);
    }
    for (const { namespace, uid } of [...change.begun, ...change.over]) this.#touch(namespace, [uid]);
  }

  /** Boards hold no override that has ended. */
  #awaitEnd(active: readonly Override[], now: number): void {
    clearTimeout(this.#endTimer);
    if (active.length === 0) return;
    const next = Math.min(...active.map(({ expiresAt }) => expiresAt));
    this.#endTimer = setTimeout(() => this.#reconcile(), next - now);
  }

  /** Pushes what is new; returns the policies that came to, changed at or left some agent. */
  #distribute(namespace: string, seenAt: number): Set<string> {
    const moved = new Map<Board, Set<Board | undefined>>();
    const pushed = new Map<string, { board: Board; agents: number }>();
    const asOf = this.asOf(namespace);
    // By identity: what agents share is not read again for each of them.
    const boards = new Map<Labels, Board>();
    const boardFor = (labels: Labels) => {
      const board = this.boards.board(namespace, labels);
      boards.set(labels, board);
      return board;
    };
    for (const agent of this.fleet.agents(namespace)) {
      const { labels } = agent.identity;
      const board = boards.get(labels) ?? boardFor(labels);
      const before = agent.target;
      if (!this.#aim(agent, board) || board.revision === before?.revision) continue;
      this.fleet.expect(agent, board, seenAt);
      if (!moved.has(board)) moved.set(board, new Set());
      moved.get(board)!.add(before);
      if (!this.#push(agent, board, asOf)) continue;
      const group = pushed.get(board.revision) ?? { board, agents: 0 };
      group.agents += 1;
      pushed.set(board.revision, group);
    }
    for (const [revision, { board, agents }] of pushed) {
      this.#log.info(
        {
          namespace,
          revision,
          agents,
          policies: board.entries.size,
          overrides: board.overrides.size,
          bytes: board.bytes,
        },
        'pushed policies',
      );
    }
    const touched = new Set<string>();
    for (const [board, bases] of moved) {
      for (const base of bases) {
        const { policies, overrides, removed } = difference(base, board);
        for (const { uid } of [...policies, ...overrides]) touched.add(uid);
        for (const uid of removed) touched.add(uid);
      }
    }
    return touched;
  }

  /** Makes a board the target of an agent, unless it is too large to be sent; the agent then keeps what it has. */
  #aim(agent: Agent, board: Board): boolean {
    if (board.refused === undefined) {
      this.fleet.aim(agent, board, this.#clock.now());
      return true;
    }
    this.fleet.withhold(agent, this.#clock.now());
    if (!this.#refused.has(board.revision)) {
      this.#refused.add(board.revision);
      this.#log.error({ namespace: agent.identity.namespace, labels: agent.identity.labels }, board.refused);
    }
    return false;
  }

  /** Other replicas count something else. */
  #elsewhere(changes: readonly AggregateChange[]): void {
    for (const change of changes) {
      if (this.overrides.has(change.uid)) this.#touch('', [change.uid]);
      const policy = this.boards.find(change.uid)?.policy;
      if (!policy) continue;
      this.judge.elsewhere(change);
      this.#touch(policy.namespace, [policy.uid]);
    }
  }

  #touchAll(): void {
    this.overrides.touchAll();
    for (const namespace of this.boards.namespaces()) {
      this.#touch(
        namespace,
        this.boards.policies(namespace).map(({ policy }) => policy.uid),
      );
    }
  }

  #note(policy: Policy, message: string): void {
    const { namespace, name, uid, generation } = policy;
    this.#log.info({ namespace, policy: name, uid, generation }, message);
  }

  #touch(namespace: string, uids: Iterable<string>): void {
    const touched = [...uids];
    this.overrides.touch(touched);
    this.judge.touch(namespace, touched);
    this.#observers.status.added(ROUND);
    this.#judgeTimer ??= setTimeout(() => {
      this.#judgeTimer = undefined;
      const begun = this.#clock.now();
      observed(this.#observers.status, ROUND, () => {
        this.judge.decide();
        this.overrides.decide();
      });
      this.#judgeMs = Math.max(JUDGE_MS, JUDGE_PAUSE * (this.#clock.now() - begun));
    }, this.#judgeMs);
  }

  #sweep(): void {
    const now = this.#clock.now();
    for (const namespace of this.fleet.sweep(this.#sweptAt, now)) {
      this.#touch(
        namespace,
        this.boards.policies(namespace).map(({ policy }) => policy.uid),
      );
    }
    this.fleet.circuits.sweep(now, (uid) => this.boards.find(uid) !== undefined);
    for (const [namespace, uids] of this.judge.waiting()) this.#touch(namespace, uids);
    if (this.overrides.sweep()) this.#touch('', []);
    this.#sweptAt = now;
  }
}

const asOfOf = (policies: string | undefined, overrides: string | undefined): AsOf => ({
  ...(policies && { policies }),
  ...(overrides && { overrides }),
});
