import type { Totals } from '@fuseboard/schema';
import type { Board } from './board.ts';
import type { Rejection } from './rollout.ts';
import type { Labels } from './selector.ts';
import { type BreakerState, worst } from './tally.ts';

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

/** Where a report comes from, as far as it was proved. */
export type Origin = Pick<Identity, 'namespace' | 'pod'>;

/** Two processes are one agent when namespace, pod and boot are the same: nobody can speak for a process of another pod. */
export const agentKey = (pod: string | undefined, boot: string) => `${pod ?? ''}/${boot}`;

/** One agent as the fleet knows it. Only the fleet changes it. */
export interface Agent {
  readonly identity: Identity;
  readonly streams: number;
  readonly heardAt: number;
  /** What it should run. */
  readonly target: Board | undefined;
  /** What it says it runs, when that is something it was sent. */
  readonly applied: Board | undefined;
  readonly breakers: readonly { name: string; uid: string; state: BreakerState; shadow: boolean; totals: Totals }[];
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
  /** Whether a call let the policy's fallback answer; undefined where that is not known or there is none. */
  readonly optedIn: boolean | undefined;
  readonly totals: Totals;
  readonly latency: readonly number[];
  readonly moments: readonly Moment[];
  readonly heardAt: number;
}

/** An agent with all that is remembered of it; changed by the fleet alone. */
export class Member implements Agent {
  readonly identity: Identity;
  streams = 0;
  heardAt: number;
  target: Board | undefined;
  revision: string | undefined;
  sent: Board[] = [];
  sequence = 0;
  parts = new Set<number>();
  pending = new Map<string, Rejection>();
  rejections: ReadonlyMap<string, Rejection> = new Map();
  readonly views = new Map<string, Map<string, View>>();
  viewCount = 0;

  constructor(identity: Identity, now: number) {
    this.identity = identity;
    this.heardAt = now;
  }

  get applied(): Board | undefined {
    return this.sent.find(({ revision }) => revision === this.revision);
  }

  get breakers(): Agent['breakers'] {
    return [...this.views].flatMap(([name, keys]) => {
      const view = worst(keys.values())!;
      return {
        name,
        uid: view.uid ?? '',
        state: view.state,
        shadow: view.shadow,
        totals: (keys.get('') ?? view).totals,
      };
    });
  }

  /** Forgets what its breakers said. */
  forgetBreakers(): void {
    this.views.clear();
    this.viewCount = 0;
  }

  /** The name of a policy that was sent to this agent; absent for any other. */
  policyName(uid: string): string | undefined {
    for (const board of this.sent) {
      const entry = board.entries.get(uid);
      if (entry) return entry.name;
    }
    return undefined;
  }
}
