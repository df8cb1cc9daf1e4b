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

/** An override as its source gave it, with what is wrong with it. */
export interface Override {
  readonly kind: typeof OVERRIDE_KIND;
  readonly uid: OverrideUid;
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** Milliseconds since 1970. */
  readonly createdAt: number;
  /** When it ends, milliseconds since 1970: never more than a day after it was made. */
  readonly expiresAt: number;
  /** Trust it only when `problems` is empty. */
  readonly spec: OverrideSpec;
  readonly problems: readonly SpecProblem[];
  /** Who made it, as far as that is known. */
  readonly createdBy?: string;
  /** The status that the source held last. */
  readonly status?: OverrideStatus;
}

/** An override as the source has it. */
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

/** Reads an override; what is wrong with it is in `problems`. */
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

/** Whether agents should apply it now. */
export const isActive = ({ problems, expiresAt }: Override, now: number) => problems.length === 0 && expiresAt > now;

/**
 * The precedence of overrides: the newest first. Of two created at the same time, the one with the name that sorts
 * last.
 */
export const newestFirst = (a: Age, b: Age) => b.createdAt - a.createdAt || (a.name < b.name ? 1 : -1);

type Age = Pick<Override, 'createdAt' | 'name'>;

/** Who made an object: the person for whom an operator made it, else the program that did. */
export function madeBy(metadata: {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly managedFields?: readonly { readonly manager?: string; readonly subresource?: string }[];
}): string | undefined {
  const user = metadata.annotations?.[CREATED_BY];
  if (user !== undefined) return user;
  const manager = metadata.managedFields?.find(({ subresource }) => subresource === undefined)?.manager;
  return manager === undefined ? undefined : `somebody with ${manager}`;
}

/** Makes and removes overrides for people. */
export interface OverrideStore {
  /** @throws {Problem} */
  create(wanted: { namespace: string; spec: OverrideSpec; createdBy: string }): Promise<Override>;
  /**
   * One that is gone already is fine.
   *
   * @throws {Problem}
   */
  remove(override: Override): Promise<void>;
}
