import type { Override } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';

/** A part of a source that is no policy, such as a file that is not YAML. */
export interface SourceProblem {
  /** The file, or the object. */
  readonly where: string;
  readonly line?: number;
  readonly message: string;
}

/** The current content of a source. */
export interface SourceState {
  /** Whether a complete list was read at least once. It stays true when a later read fails. */
  readonly synced: boolean;
  /** Why the source cannot be read now; `policies` then has the last readable ones. Absent: it can be read. */
  readonly unreadable?: string;
  /** The resourceVersion of the cache, a decimal string; absent where there is none. */
  readonly resourceVersion?: string;
  /**
   * The resourceVersion of each namespace, when each is watched separately; `resourceVersion` is then the lowest.
   * Absent: `resourceVersion` applies to all namespaces.
   */
  readonly resourceVersionIn?: ReadonlyMap<string, string>;
  /** By `namespace/name`. */
  readonly policies: ReadonlyMap<string, Policy>;
  /** By `namespace/name`. Absent: the source has none. */
  readonly overrides?: ReadonlyMap<string, Override>;
  /** The resourceVersion of the cache of overrides; absent where there is none. */
  readonly overridesVersion?: string;
  /** Like `resourceVersionIn`, for overrides. */
  readonly overridesVersionIn?: ReadonlyMap<string, string>;
  readonly problems: readonly SourceProblem[];
}

/** The source of policies. When it cannot be read, it is `unreadable`, and never empty. */
export interface Source {
  readonly kind: 'kubernetes' | 'directory';
  /**
   * Starts reading, until `stop`.
   *
   * @param changed called after every change of `state()`, never during the call of `start`.
   */
  start(changed: () => void): void;
  state(): SourceState;
  /**
   * Reads everything again; resolves when `state()` is at least as new as the store was at the time of the call.
   * Rejects while the source cannot be read.
   */
  refresh(): Promise<void>;
  stop(): Promise<void>;
}
