import type { OVERRIDE_ACTIONS } from '@fuseboard/schema';
import type { SavedSeries } from './series.ts';

/** The agents of one service whose calls are rejected, of all agents with the breaker. */
export interface HitService {
  readonly service: string;
  readonly hit: number;
  readonly agents: number;
}

/** An override that a user created during an outage. */
export interface OutageAction {
  readonly uid: string;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly action: (typeof OVERRIDE_ACTIONS)[number];
  /** The reason of the override; absent when none was given. */
  readonly reason?: string;
  /** The user who created the override; absent when not known. */
  readonly by?: string;
}

/** What identifies an outage. */
export interface OutageKey {
  readonly namespace: string;
  readonly id: string;
}

/** An outage as it is kept over restarts of the operator. Times are milliseconds since 1970. */
export interface SavedOutage extends OutageKey {
  readonly breakerId: string;
  readonly uid: string;
  readonly breaker: string;
  readonly began: number;
  readonly reason?: string | undefined;
  readonly instance: string;
  readonly error?: string | undefined;
  /** When the last circuit closed; absent while one is not closed. */
  readonly closed?: number | undefined;
  readonly over: boolean;
  /** When the latest report about the breaker arrived. */
  readonly heard: number;
  readonly refused: number;
  readonly fallback: number;
  readonly attempts: number;
  readonly reopened: number;
  readonly mostHit: number;
  readonly mostHitOf: number;
  readonly services: readonly HitService[];
  readonly actions: readonly OutageAction[];
  readonly series: SavedSeries;
}
