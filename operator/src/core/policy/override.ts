import {
  CREATED_BY,
  MAX_DURATION_MS,
  OVERRIDE_KIND,
  type OverrideSpec,
  type OverrideStatus,
  overrideProblems,
  parseDuration,
  type SpecProblem,
} from '@fuseboard/schema';
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
  /** The last status in the source. */
  readonly status?: OverrideStatus;
}

/** An override as stored in its source. */
export interface OverrideObject {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly generation?: number;
  readonly createdAt: number;
  readonly spec: unknown;
  readonly createdBy?: string | undefined;
  readonly status?: unknown;
}

/** Parses an override. Errors in its spec become `problems`. */
export function readOverride({ spec, createdBy, status, generation = 1, ...object }: OverrideObject): Override {
  const problems = overrideProblems(spec);
  const latest = object.createdAt + MAX_DURATION_MS;
  const expiresAt = problems.length > 0 ? latest : Math.min(latest, endOf(spec as OverrideSpec, object.createdAt));
  return {
    kind: OVERRIDE_KIND,
    ...object,
    generation,
    expiresAt,
    spec: spec as OverrideSpec,
    problems,
    ...(createdBy !== undefined && { createdBy }),
    ...(status !== undefined && { status: status as OverrideStatus }),
  };
}

const endOf = ({ expiresAt, duration }: OverrideSpec, createdAt: number) =>
  expiresAt === undefined ? createdAt + parseDuration(duration)! : new Date(expiresAt).getTime();

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

/** The creator of an object: the user on whose behalf the operator created it, else the program that did. */
export function madeBy(metadata: {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly { readonly manager?: string; readonly subresource?: string }[];
}): string | undefined {
  const user = metadata.annotations?.[CREATED_BY];
  if (user !== undefined) return user;
  const manager = metadata.managedFields?.find(({ subresource }) => subresource === undefined)?.manager;
  return manager === undefined ? undefined : `somebody with ${manager}`;
}
