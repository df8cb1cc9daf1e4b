import type { Outcome } from './call.ts';

/** The content of one record before classification and naming. Its texts are unchanged and are not stored. */
export interface Observation {
  start: number;
  durationMs: number;
  /** The number of the record in its file, from 1; set by the reader. */
  record?: number;
  /** The outcome, when the record itself contains it. */
  outcome?: Outcome | undefined;
  status?: number | undefined;
  error?: string | undefined;
  breaker?: string | undefined;
  instance?: string | undefined;
  key?: string | undefined;
  from?: string | undefined;
  method?: string | undefined;
  host?: string | undefined;
  /** Path or whole URL. Query, ids and names are removed before anything is stored. */
  path?: string | undefined;
  /** User agent, for exclusions only. */
  agent?: string | undefined;
}

/** The attributes that can select a breaker or a key, or exclude a call. */
export const ATTRIBUTES = ['breaker', 'host', 'path', 'method', 'instance', 'key', 'from', 'agent'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];
