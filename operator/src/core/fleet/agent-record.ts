import type { Totals } from '@fuseboard/schema';
import { AgentDelivery } from '../delivery/agent-delivery.ts';
import type { Snapshot } from '../delivery/snapshot.ts';
import type { Labels } from '../policy/selector.ts';
import type { OverrideUid, PolicyUid } from '../uid.ts';
import type { Circuit, LastError } from './circuits.ts';
import { ReportAssembler } from './report-assembler.ts';
import type { CountedRejection } from './rollout.ts';
import { type BreakerState, worst } from './state-counts.ts';

export interface Identity {
  readonly namespace: string;
  /** The uid of its pod. Absent: not known to run in one. */
  readonly pod?: string;
  /** 128 random bits for each process. */
  readonly boot: string;
  readonly service: string;
  readonly instance: string;
  readonly labels: Labels;
}

/** The authenticated source of a report. */
export type Origin = Pick<Identity, 'namespace' | 'pod'>;

/**
 * Two processes are one agent when namespace, pod and boot are equal: a pod cannot report for another pod.
 */
export const agentKey = (pod: string | undefined, boot: string) => `${pod ?? ''}/${boot}`;

/** The record of one agent. Only the fleet changes it. */
export interface Agent {
  readonly identity: Identity;
  readonly streams: number;
  readonly heardAt: number;
  /** What it should run. */
  readonly target: Snapshot | undefined;
  /** What it says it runs, when that is something it was sent. */
  readonly applied: Snapshot | undefined;
  /** What it could not use of what it should run, by policy. */
  readonly rejections: ReadonlyMap<PolicyUid, CountedRejection>;
  /** The overrides that it reports as applied. */
  readonly overrides: ReadonlySet<OverrideUid>;
  /** Since when it does not show that it runs what it should; absent while it does. */
  readonly behindSince: number | undefined;
  readonly breakers: readonly AgentBreaker[];
}

/** A breaker of an agent, its keys folded into the worst of them. */
interface AgentBreaker {
  readonly name: string;
  readonly uid: string;
  readonly state: BreakerState;
  /** The override that holds it. */
  readonly override?: string | undefined;
  readonly shadow: boolean;
  /** When it entered this state. */
  readonly since: number;
  /** What its last failure was; absent while closed, and where that is not known. */
  readonly lastError?: LastError | undefined;
  readonly totals: Totals;
}

export interface Moment {
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly reason: string;
  readonly at: number;
}

export interface View {
  readonly uid: string | undefined;
  readonly state: BreakerState;
  readonly shadow: boolean;
  /** When it entered this state. */
  readonly since: number;
  readonly override: string | undefined;
  /** What its last failure was; absent while closed, and where that is not known. */
  readonly lastError?: LastError | undefined;
  /** Whether a call let the policy's fallback answer; undefined where that is not known or there is none. */
  readonly optedIn: boolean | undefined;
  readonly totals: Totals;
  /**
   * Whether the report counted something since its own base: a later one whose base is `totals` then proves that it was
   * answered.
   */
  readonly counted: boolean;
  readonly latency: readonly number[];
  /** The transitions of its report. An agent tells them again until they are answered. */
  readonly moments: readonly Moment[];
  readonly heardAt: number;
}

/** An agent with all that is remembered of it; changed by the fleet alone. */
export class AgentRecord implements Agent {
  readonly identity: Identity;
  streams = 0;
  heardAt: number;
  readonly delivery = new AgentDelivery();
  readonly reports = new ReportAssembler();
  rejections: ReadonlyMap<PolicyUid, CountedRejection> = new Map();
  overrides: ReadonlySet<OverrideUid> = new Set();
  readonly views = new Map<string, Map<string, View>>();
  viewCount = 0;
  /** By breaker name: where its state is counted. */
  readonly circuits = new Map<string, Circuit>();

  constructor(identity: Identity, now: number) {
    this.identity = identity;
    this.heardAt = now;
  }

  get target(): Snapshot | undefined {
    return this.delivery.target;
  }

  get applied(): Snapshot | undefined {
    return this.delivery.applied;
  }

  get behindSince(): number | undefined {
    return this.delivery.behindSince;
  }

  get breakers(): Agent['breakers'] {
    return [...this.views].flatMap(([name, keys]) => {
      const view = worst(keys.values())!;
      return {
        name,
        uid: view.uid ?? '',
        state: view.state,
        ...(view.override !== undefined && { override: view.override }),
        shadow: view.shadow,
        since: view.since,
        ...(view.lastError !== undefined && { lastError: view.lastError }),
        totals: (keys.get('') ?? view).totals,
      };
    });
  }

  /** Forgets what its breakers said. */
  forgetBreakers(): void {
    this.views.clear();
    this.viewCount = 0;
  }
}
