import type { Outcome } from './call.ts';

/** What one record says before it is classified and named; texts are as recorded and are not kept. */
export interface Observation {
  start: number;
  durationMs: number;
  /** Which record of its file it is, from 1; set by the reader. */
  record?: number;
  /** Given only where the record itself says how the call was counted. */
  outcome?: Outcome | undefined;
  status?: number | undefined;
  error?: string | undefined;
  breaker?: string | undefined;
  instance?: string | undefined;
  key?: string | undefined;
  from?: string | undefined;
  method?: string | undefined;
  host?: string | undefined;
  /** Path or whole URL; query, ids and names are cut out before anything is kept. */
  path?: string | undefined;
  /** User agent, for exclusions only. */
  agent?: string | undefined;
}

/** What a breaker, a key or an exclusion may be taken from. */
export const ATTRIBUTES = ['breaker', 'host', 'path', 'method', 'instance', 'key', 'from', 'agent'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];
