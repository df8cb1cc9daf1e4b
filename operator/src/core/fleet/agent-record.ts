import type { Totals } from '@fuseboard/schema';
import { AgentDelivery } from '../delivery/agent-delivery.ts';
import type { Snapshot } from '../delivery/snapshot.ts';
import type { Labels } from '../policy/selector.ts';
import type { OverrideUid, PolicyUid } from '../uid.ts';
import type { FleetBreaker, LastError } from './fleet-breakers.ts';
import { type Guarded, ReportAssembler } from './report-assembler.ts';
import type { CountedRejection } from './rollout.ts';
import { type BreakerState, worst } from './state-counts.ts';
import type { TransitionDigest } from './transition-digest.ts';

export interface Identity {
  readonly namespace: string;
  /** The uid of the agent's pod; absent when the agent is not known to run in a pod. */
  readonly pod?: string;
  /** 128 random bits, new for each process. */
  readonly boot: string;
  readonly service: string;
  readonly instance: string;
  readonly labels: Labels;
  /** The language of the service, as the agent says: `node` or `python`. Absent: the agent does not say it. */
  readonly language?: string;
  /** The version of the agent. Absent: the agent does not say it. */
  readonly version?: string;
  /** The version of Node or Python. Absent: the agent does not say it. */
  readonly runtime?: string;
}

/** The authenticated source of a report. */
export type Origin = Pick<Identity, 'namespace' | 'pod'>;

/**
 * Two connections belong to the same agent when namespace, pod and boot are equal, so a pod cannot report for another
 * pod.
 */
export const agentKey = (pod: string | undefined, boot: string) => `${pod ?? ''}/${boot}`;

/** The record of one agent. Only the fleet changes it. */
export interface Agent {
  readonly identity: Identity;
  readonly streams: number;
  readonly heardAt: number;
  /** The snapshot that the agent should run. */
  readonly target: Snapshot | undefined;
  /** The snapshot that the agent reports as applied; undefined when it was not sent recently. */
  readonly applied: Snapshot | undefined;
  /** The policies of the target that the agent rejected. */
  readonly rejections: ReadonlyMap<PolicyUid, CountedRejection>;
  /** The overrides that the agent reports as applied. */
  readonly overrides: ReadonlySet<OverrideUid>;
  /** What the agent does not run as sent, because its code limits it. */
  readonly guarded: Guarded;
  /** Since when the agent has not confirmed its target; absent once it has. */
  readonly behindSince: number | undefined;
  readonly breakers: readonly AgentBreaker[];
}

/** A breaker of an agent, in the worst state among its keys. */
interface AgentBreaker {
  readonly name: string;
  readonly uid: string;
  readonly state: BreakerState;
  /** The override in force on the breaker. */
  readonly override?: string | undefined;
  readonly shadow: boolean;
  /** When the breaker entered this state. */
  readonly since: number;
  /** The last failure; absent while the breaker is closed, or when the failure is not known. */
  readonly lastError?: LastError | undefined;
  readonly totals: Totals;
}

export interface BreakerEntry {
  readonly uid: string | undefined;
  readonly state: BreakerState;
  readonly shadow: boolean;
  /** When the breaker entered this state. */
  readonly since: number;
  readonly override: string | undefined;
  /** The last failure; absent while the breaker is closed, or when the failure is not known. */
  readonly lastError?: LastError | undefined;
  /** Whether a call enabled the policy's fallback; undefined when that is not known or the policy has none. */
  readonly optedIn: boolean | undefined;
  readonly totals: Totals;
  /**
   * Whether the totals of the report differ from its base. Only then does a later report with `totals` as its base
   * prove that the agent received the answer.
   */
  readonly counted: boolean;
  /** Empty for a key, whose calls the breaker's own entry includes. */
  readonly latency: readonly number[];
  /** The transitions in the report. An agent repeats them until its report is answered. */
  readonly transitions: TransitionDigest;
  readonly heardAt: number;
  /** The number of places that this entry takes from the limits of stored breakers. */
  readonly places: number;
}

/** The complete record of an agent. Only the fleet changes it. */
export class AgentRecord implements Agent {
  readonly identity: Identity;
  streams = 0;
  heardAt: number;
  readonly delivery = new AgentDelivery();
  readonly reports = new ReportAssembler();
  rejections: ReadonlyMap<PolicyUid, CountedRejection> = new Map();
  overrides: ReadonlySet<OverrideUid> = new Set();
  guarded: Guarded = new Map();
  readonly entries = new Map<string, Map<string, BreakerEntry>>();
  /** The places that all entries take from the limits of stored breakers. */
  places = 0;
  /** No key was last reported before this time. */
  oldestKeyAt = Number.POSITIVE_INFINITY;
  /** What the fleet counts, in which the state of each breaker is counted, by breaker name. */
  readonly fleetBreakers = new Map<string, FleetBreaker>();

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
    return [...this.entries].flatMap(([name, keys]) => {
      const entry = worst(keys.values())!;
      return {
        name,
        uid: entry.uid ?? '',
        state: entry.state,
        ...(entry.override !== undefined && { override: entry.override }),
        shadow: entry.shadow,
        since: entry.since,
        ...(entry.lastError !== undefined && { lastError: entry.lastError }),
        totals: (keys.get('') ?? entry).totals,
      };
    });
  }

  /** Removes the reported state of all breakers. */
  forgetBreakers(): void {
    this.entries.clear();
    this.places = 0;
    this.oldestKeyAt = Number.POSITIVE_INFINITY;
  }
}
