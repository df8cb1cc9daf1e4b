import type { Override } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';

/** Something in a source that could not become a policy at all, such as a file that is not YAML. */
export interface SourceProblem {
  /** The file, or the object. */
  readonly where: string;
  readonly line?: number;
  readonly message: string;
}

/** The current content of a source. */
export interface SourceState {
  /** Whether a whole list was read at least once. A later failure to read does not make it false again. */
  readonly synced: boolean;
  /** Why the source cannot be read right now; absent while it can be read. What was known stays in `policies`. */
  readonly unreadable?: string;
  /** The resourceVersion of the cache, a decimal string; absent where there is none. */
  readonly asOf?: string;
  /**
   * The same by namespace, where each is read by itself and has a version of its own; `asOf` is then the lowest.
   * Absent: it is one for all.
   */
  readonly asOfIn?: ReadonlyMap<string, string>;
  /** By `namespace/name`. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** By `namespace/name`. Absent: the source has none. */
  readonly overrides?: ReadonlyMap<string, Override>;
  /** The resourceVersion of the cache of overrides; absent where there is none. */
  readonly overridesAsOf?: string;
  /** The same for overrides as `asOfIn`. */
  readonly overridesAsOfIn?: ReadonlyMap<string, string>;
  readonly problems: readonly SourceProblem[];
}

/** Where policies come from. A failure to read is `unreadable`, never an empty set. */
export interface Source {
  readonly kind: 'kubernetes' | 'directory';
  /**
   * Begins to read, for ever. `changed` is called after every change of `state()`, in a later turn than the call to
   * `start`.
   */
  start(changed: () => void): void;
  state(): SourceState;
  /**
   * Reads everything afresh, consistently; resolves when `state()` is at least as new as the store was at the call.
   * Rejects while the source cannot be read.
   */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}
