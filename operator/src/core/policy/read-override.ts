import {
  CREATED_BY,
  MAX_DURATION_MS,
  OVERRIDE_KIND,
  type OverrideSpec,
  type OverrideStatus,
  overrideProblems,
  parseDuration,
} from '@fuseboard/schema';
import type { Override } from './override.ts';

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
