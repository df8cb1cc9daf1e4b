import type { OVERRIDE_KIND, OverrideSpec, OverrideStatus, SpecProblem } from '@fuseboard/schema';
import type { OverrideUid } from '../uid.ts';

/** An override as read from its source, with the problems of its spec. */
export interface Override {
  readonly kind: typeof OVERRIDE_KIND;
  readonly uid: OverrideUid;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When the override expires, in milliseconds since 1970: at most one day after its creation. */
  readonly expiresAt: number;
  /** Trust it only when `problems` is empty. */
  readonly spec: OverrideSpec;
  readonly problems: readonly SpecProblem[];
  /** The user or program that created the override; absent when not known. */
  readonly createdBy?: string;
  /** Whether it is in a file, which only an edit of the file removes. Absent: no. */
  readonly inFile?: true;
  /** The last status in the source. */
  readonly status?: OverrideStatus;
}

/** The problem of an override that ends more than a day after its creation. */
export const TOO_FAR: SpecProblem = {
  field: 'spec.expiresAt',
  message: 'lies more than 24h ahead; an override lasts at most 24h',
};

/** Whether agents should apply the override now. */
export const isActive = ({ problems, expiresAt }: Override, now: number) => problems.length === 0 && expiresAt > now;

/**
 * The precedence of overrides: the newest first. Of two overrides created at the same time, the one whose name sorts
 * last goes first.
 */
export const newestFirst = (a: Age, b: Age) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1);

type Age = Pick<Override, 'createdAt' | 'name'>;
