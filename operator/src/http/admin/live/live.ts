import type { Controller } from '../../../control/controller.ts';
import type { Clock } from '../../../core/clock.ts';
import type { Policy } from '../../../core/policy/policy.ts';
import { windowOf } from '../../../core/policy/thresholds.ts';
import { SLOT_MS, slotOf } from '../../../core/slots.ts';
import { type BreakerRow, breakerRow } from '../../../core/views/breaker-row.ts';
import { type Overview, overviewOf } from '../../../core/views/overview.ts';
import { type PolicyRow, policyRow } from '../../../core/views/policy-row.ts';
import type { Feed } from './watchers.ts';

/** The source of policies, and whether it can be read. */
export interface SourceRow {
  readonly kind: string;
  readonly synced: boolean;
  /** Why the source cannot be read now; the last known policies stay in force. */
  readonly outage?: string;
  readonly problems: number;
}

/** The answering replica and its time, in milliseconds since 1970. */
export interface Stamp {
  readonly at: number;
  readonly replica: string;
  /** Other known replicas. Their agents are not included in the rows. */
  readonly others: readonly string[];
  /** The number of the current time slot; `slotMs` is the length of a slot. */
  readonly slot: number;
  readonly slotMs: number;
}

/** All data of the page. */
export interface LiveState extends Stamp {
  readonly namespace?: string;
  readonly source: SourceRow;
  readonly overview: Overview;
  readonly policies: readonly PolicyRow[];
  readonly rows: readonly BreakerRow[];
}

/** The difference from the previous message. Absent fields are unchanged. */
export interface LiveDifference extends Stamp {
  readonly source?: SourceRow;
  readonly overview?: Overview;
  readonly policies?: readonly PolicyRow[];
  /** Uids of deleted policies. */
  readonly policiesGone?: readonly string[];
  /** Changed rows, with the samples since the previous message. */
  readonly rows?: readonly BreakerRow[];
  readonly rowsGone?: readonly string[];
  /** Times of the latest reports, for rows without any other change. */
  readonly heard?: Readonly<Record<string, number>>;
}

export interface LiveOptions {
  readonly controller: Controller;
  readonly clock: Clock;
  readonly wallClock: () => number;
  readonly replica: string;
  /** The namespace; absent: all namespaces. */
  readonly namespace: string | undefined;
}

/** A row's report time is sent again only when it has advanced by this much. */
const AGE_STEP_MS = 2_000;

/** The breakers and policies of this replica, and their changes since the last message. */
export class Live implements Feed {
  readonly #options: LiveOptions;
  readonly #policies = new Map<string, { policy: Policy; status: unknown; row: PolicyRow }>();
  readonly #reportedAt = new Map<string, number>();
  #sentPolicies = new Map<string, PolicyRow>();
  #version = 0;
  #slot = 0;
  #overview = '';
  #source = '';

  constructor(options: LiveOptions) {
    this.#options = options;
  }

  state(): LiveState {
    const { namespace } = this.#options;
    const policies = this.policies();
    return {
      ...this.heartbeat(),
      ...(namespace !== undefined && { namespace }),
      source: this.source(),
      overview: this.overview(policies),
      policies,
      rows: this.rows(),
    };
  }

  heartbeat(): Stamp {
    const { controller, replica, clock, wallClock } = this.#options;
    const others = controller.otherReplicas;
    return { at: wallClock(), replica, others, slot: slotOf(clock.now()), slotMs: SLOT_MS };
  }

  difference(): LiveDifference | undefined {
    const { controller, namespace } = this.#options;
    const stamp = this.heartbeat();
    const rows = this.rows(this.#version, this.#slot);
    this.#version = controller.fleet.fleetBreakers.version;
    this.#slot = stamp.slot;
    const fresh = new Set(rows.map(({ id }) => id));
    const there = new Set<string>();
    const heard: Record<string, number> = {};
    for (const { id, heardAt } of controller.fleet.fleetBreakers.list(namespace)) {
      there.add(id);
      const sent = this.#reportedAt.get(id);
      if (sent !== undefined && !fresh.has(id) && heardAt - sent < AGE_STEP_MS) continue;
      this.#reportedAt.set(id, heardAt);
      if (!fresh.has(id)) heard[id] = this.#wallTime(heardAt);
    }
    const rowsGone = [...this.#reportedAt.keys()].filter((id) => !there.has(id));
    for (const id of rowsGone) this.#reportedAt.delete(id);

    const all = this.policies();
    const policies = all.filter((row) => this.#sentPolicies.get(row.uid) !== row);
    const now = new Map(all.map((row) => [row.uid, row]));
    const policiesGone = [...this.#sentPolicies.keys()].filter((uid) => !now.has(uid));
    this.#sentPolicies = now;
    const overview = this.overview(all);
    const source = this.source();
    const sent = [this.#overview, this.#source];
    [this.#overview, this.#source] = [JSON.stringify(overview), JSON.stringify(source)];

    const difference = {
      ...(sent[0] !== this.#overview && { overview }),
      ...(sent[1] !== this.#source && { source }),
      ...(policies.length > 0 && { policies }),
      ...(policiesGone.length > 0 && { policiesGone }),
      ...(rows.length > 0 && { rows }),
      ...(rowsGone.length > 0 && { rowsGone }),
      ...(Object.keys(heard).length > 0 && { heard }),
    };
    return Object.keys(difference).length > 0 ? { ...stamp, ...difference } : undefined;
  }

  /** Rows that changed after a version, with their samples since a slot. */
  rows(since = 0, fromSlot = 0): BreakerRow[] {
    const { controller, clock, wallClock, namespace } = this.#options;
    const { outages } = controller.fleet;
    const [now, wall] = [clock.now(), wallClock()];
    const found: BreakerRow[] = [];
    for (const breaker of controller.fleet.fleetBreakers.list(namespace)) {
      const outage = outages.current(breaker.id);
      // The rejected calls per second of an outage change with each slot, even without new reports.
      if (breaker.version <= since && (outage === undefined || slotOf(now) === fromSlot)) continue;
      const windowMs = windowOf(this.#policy(breaker.uid)?.thresholds);
      found.push(
        breakerRow(breaker, { now, wall, windowMs, fromSlot, outage, held: outage && outages.holdOf(outage) }),
      );
    }
    return found;
  }

  policies(): PolicyRow[] {
    const { controller, namespace } = this.#options;
    const namespaces = namespace === undefined ? controller.snapshots.namespaces() : [namespace];
    const found = namespaces.flatMap((one) =>
      controller.snapshots.policies(one).map(({ policy }) => this.#policy(policy.uid)!),
    );
    if (this.#policies.size > 2 * found.length) {
      const there = new Set(found.map(({ uid }) => uid));
      for (const uid of this.#policies.keys()) if (!there.has(uid)) this.#policies.delete(uid);
    }
    return found;
  }

  overview(policies: readonly PolicyRow[]): Overview {
    const { controller, clock, namespace } = this.#options;
    const { fleetBreakers, outages } = controller.fleet;
    const agents = controller.fleet.agents(namespace);
    const date = (at: number) => this.#wallTime(at);
    return overviewOf(fleetBreakers.list(namespace), policies, agents, outages.list(namespace), clock.now(), date);
  }

  source(): SourceRow {
    const { source } = this.#options.controller;
    const { synced, unreadable, problems } = source.state();
    return {
      kind: source.kind,
      synced,
      ...(unreadable !== undefined && { outage: unreadable }),
      problems: problems.length,
    };
  }

  /** The row of a policy. An unchanged row is the same object. */
  #policy(uid: string): PolicyRow | undefined {
    const { snapshots, policyStatus: reconciler } = this.#options.controller;
    const policy = snapshots.find(uid)?.policy;
    if (policy === undefined) return undefined;
    const status = reconciler.status(policy);
    const known = this.#policies.get(uid);
    if (known?.policy === policy && known.status === status) return known.row;
    const next = policyRow(policy, status);
    const row = known && JSON.stringify(known.row) === JSON.stringify(next) ? known.row : next;
    this.#policies.set(uid, { policy, status, row });
    return row;
  }

  #wallTime(at: number): number {
    const { clock, wallClock } = this.#options;
    return Math.round(wallClock() - (clock.now() - at));
  }
}
