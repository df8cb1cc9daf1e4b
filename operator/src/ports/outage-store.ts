import type { OutageKey, SavedOutage } from '../core/outages/saved-outage.ts';

/** Keeps outages over restarts of the operator. */
export interface OutageStore {
  /** The outages of the processes before. What cannot be read is left out. */
  load(): Promise<readonly SavedOutage[]>;
  /** Writes an outage in place of what was written of it before. Failures are logged. */
  save(outage: SavedOutage): void;
  remove(key: OutageKey): void;
  /** Resolves when everything is written. */
  stop(): Promise<void>;
}
