import { isDeepStrictEqual } from 'node:util';
import { type OverrideStatus, type PolicySpec, type PolicyStatus, specProblems, UNREAD } from '@fuseboard/schema';
import { policyLinks } from '../../core/policy/links.ts';
import type { Override } from '../../core/policy/override.ts';
import type { Policy } from '../../core/policy/policy.ts';
import { madeBy, readOverride } from '../../core/policy/read-override.ts';
import { KubeError } from './client.ts';

/** An object of the API server. Only the fields of `metadata` that the operator needs are declared. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly generation?: number;
    readonly creationTimestamp?: string;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager?: string; readonly subresource?: string }[];
  };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** The newest known copy of a policy or an override, for an update that must not overwrite a newer version. */
export interface StoredObject {
  readonly uid: string;
  readonly resourceVersion: string;
  readonly status?: PolicyStatus | OverrideStatus;
}

/**
 * The beginning of a name, to which the name of another object can be appended with `-` or `.`: the API server refuses
 * a name in which these follow each other.
 */
export const nameStart = (name: string, maxLength: number) => name.slice(0, maxLength).replace(/[-.]+$/, '');

export function toStored(object: KubeObject): StoredObject {
  const { uid, resourceVersion } = object.metadata;
  const status = writtenStatus(object);
  return { uid, resourceVersion, ...(status === undefined ? {} : { status: status as StoredObject['status'] }) };
}

/** The status without the default condition of the CRD; undefined when no operator has written one. */
function writtenStatus({ status }: KubeObject): unknown {
  const { conditions, ...rest } = (status ?? {}) as { conditions?: unknown };
  if (!Array.isArray(conditions)) return status;
  const written = conditions.filter((one) => !isDeepStrictEqual(one, UNREAD));
  if (written.length === conditions.length) return status;
  return written.length === 0 && Object.keys(rest).length === 0 ? undefined : { ...rest, conditions: written };
}

/** Converts an object of the cluster to a policy. Errors in its spec become `problems`. */
export function toPolicy(object: KubeObject): Policy {
  const { metadata, spec } = object;
  const status = writtenStatus(object);
  const links = policyLinks(metadata.annotations);
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    generation: metadata.generation ?? 0,
    createdAt: Date.parse(metadata.creationTimestamp ?? '') || 0,
    spec: spec as PolicySpec,
    problems: specProblems(spec),
    ...(links.length > 0 && { links }),
    ...(status === undefined ? {} : { status: status as PolicyStatus }),
  };
}

export function toOverride(object: KubeObject): Override {
  const { metadata, spec } = object;
  const { uid, namespace, name, generation, creationTimestamp } = metadata;
  return readOverride({
    uid,
    namespace,
    name,
    ...(generation !== undefined && { generation }),
    createdAt: Date.parse(creationTimestamp ?? '') || 0,
    spec,
    status: writtenStatus(object),
    createdBy: madeBy(metadata),
  });
}

/** `namespace/name` */
export const keyOf = ({ metadata }: KubeObject) => `${metadata.namespace}/${metadata.name}`;

/** Checks a page of a list. Throws a KubeError when the page is invalid. */
export function readList(page: unknown): {
  items: KubeObject[];
  metadata: { resourceVersion: string; continue?: string };
} {
  const { items, metadata } = (page ?? {}) as { items?: unknown; metadata?: { continue?: unknown } };
  if (!Array.isArray(items)) throw new KubeError('the answer to the list holds no items; is this an API server?');
  const next = metadata?.continue;
  return {
    items: items.map(readObject),
    metadata: { resourceVersion: readVersion(page), ...(typeof next === 'string' ? { continue: next } : {}) },
  };
}

/** Checks a line of a watch, but not its object. Throws a KubeError when the line is invalid. */
export function readEvent(line: unknown): { type: string; object: unknown } {
  const { type, object } = (line ?? {}) as { type?: unknown; object?: unknown };
  if (typeof type !== 'string' || typeof object !== 'object' || object === null)
    throw new KubeError('an event has no type or no object');
  if (!['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR'].includes(type))
    throw new KubeError(`unknown event ${type.slice(0, 40)}`);
  return { type, object };
}

/** The resourceVersion of an object, a list or a bookmark: a decimal number. */
export function readVersion(object: unknown): string {
  const version = (object as { metadata?: { resourceVersion?: unknown } } | null)?.metadata?.resourceVersion;
  if (typeof version !== 'string' || !/^\d{1,20}$/.test(version)) {
    throw new KubeError(`a resourceVersion is not a decimal number: ${JSON.stringify(version)}`);
  }
  return version;
}

/** Checks that an object has the required fields of `KubeObject`. */
export function readObject(object: unknown): KubeObject {
  const metadata = (object as { metadata?: Record<string, unknown> } | null)?.metadata;
  for (const field of ['name', 'namespace', 'uid']) {
    if (typeof metadata?.[field] !== 'string') throw new KubeError(`an object has no metadata.${field}`);
  }
  readVersion(object);
  for (const [field, [type, is]] of Object.entries(OPTIONAL)) {
    const value = metadata?.[field];
    if (value !== undefined && !is(value)) throw new KubeError(`metadata.${field} of an object is not ${type}`);
  }
  return object as KubeObject;
}

const isMap = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Optional fields of `metadata`, each with its expected type. */
const OPTIONAL: Readonly<Record<string, readonly [type: string, is: (value: unknown) => boolean]>> = {
  generation: ['a number', (value) => typeof value === 'number'],
  creationTimestamp: ['a string', (value) => typeof value === 'string'],
  annotations: [
    'a map of strings',
    (value) => isMap(value) && Object.values(value!).every((v) => typeof v === 'string'),
  ],
  managedFields: ['a list of maps', (value) => Array.isArray(value) && value.every(isMap)],
};
