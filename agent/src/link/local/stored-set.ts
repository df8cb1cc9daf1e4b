import type { OverrideEvent, Rejection } from '@fuseboard/schema/types';
import type { PolicySet } from '../../breakers/policy-set.ts';

/** The newest known resource versions of the operator's sources: decimal strings, compared as integers. */
export interface ResourceVersions {
  readonly policies?: string;
  readonly overrides?: string;
}

/** A policy set as stored for the next process. */
export interface StoredSet {
  readonly revision: string;
  readonly asOf: ResourceVersions;
  readonly routes: PolicySet['routes'];
  readonly policies: readonly { uid: string; generation: number; name: string; spec: unknown }[];
  readonly rejections: readonly Rejection[];
  /** The ends of overrides are wall-clock times, because the next process has another monotonic clock. */
  readonly overrides?: readonly OverrideEvent[];
}

export type Fields = Record<string, unknown>;

export const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength;
export const isCount = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
export const isAbsentOr = (value: unknown, holds: (value: unknown) => boolean) => value === undefined || holds(value);
/** A revision is sent back in a header, which limits its characters. */
export const isRevision = (value: unknown) => typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value);
const isVersion = (value: unknown) => typeof value === 'string' && /^[0-9]{1,20}$/.test(value);
export const isResourceVersions = (value: unknown) =>
  isFields(value) && isAbsentOr(value.policies, isVersion) && isAbsentOr(value.overrides, isVersion);
export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isListOf = (value: unknown, holds: (item: unknown) => boolean) =>
  Array.isArray(value) && value.every(holds);
export const isRoute = (value: unknown) => Array.isArray(value) && isText(value[0], 128) && isText(value[1], 64);

/** The actions of an override that this version applies. */
export const isAction = (value: unknown) => ['ForceOpen', 'ForceClosed', 'Reset'].includes(value as string);

/** Whether these are the fields of a policy, of the stream or of a file. */
export const isPolicy = (f: Fields) =>
  isText(f.uid, 64) &&
  isCount(f.generation) &&
  isAbsentOr(f.name, (name) => isText(name, 253)) &&
  (f.hold === true || f.spec !== undefined);

/** Whether these are the fields of an override, whatever its action. */
export const isOverride = (f: Fields) =>
  isText(f.uid, 64) &&
  isText(f.name, 253) &&
  Array.isArray(f.breakers) &&
  // As many as the resource may name: each becomes a route.
  f.breakers.length <= 64 &&
  f.breakers.every((name) => isText(name, 128)) &&
  isText(f.reason, 256) &&
  isCount(f.createdAt) &&
  isCount(f.expiresAt);

/** Whether stored JSON is a valid policy set. */
export const isStoredSet = (set: unknown): set is StoredSet =>
  isFields(set) &&
  isRevision(set.revision) &&
  isResourceVersions(set.asOf) &&
  isListOf(set.routes, isRoute) &&
  isListOf(set.policies, (policy) => isFields(policy) && isText(policy.name, 253) && isPolicy(policy)) &&
  isListOf(
    set.rejections,
    (one) => isFields(one) && [one.uid, one.field, one.message].every((text) => isText(text, 512)),
  ) &&
  isAbsentOr(set.overrides, (overrides) =>
    isListOf(overrides, (one) => isFields(one) && isOverride(one) && isAction(one.action)),
  );
