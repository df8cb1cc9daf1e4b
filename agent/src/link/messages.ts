import type {
  Begin,
  Commit,
  Goaway,
  Heartbeat,
  Hello,
  InSync,
  OverrideEvent,
  PolicyEvent,
  Rejection,
  Remove,
  Routes,
} from '@fuseboard/schema/types';
import type { PolicySet } from '../breakers/policy-set.ts';
import type { StreamEvent } from './event-stream.ts';

/** A validated message of the stream. */
export type Message =
  | ({ readonly type: 'hello' } & Readonly<Hello>)
  | ({ readonly type: 'begin' } & Readonly<Begin>)
  | ({ readonly type: 'policy' } & Readonly<PolicyEvent>)
  | ({ readonly type: 'override' } & Readonly<OverrideEvent>)
  | ({ readonly type: 'remove' } & Readonly<Remove>)
  | { readonly type: 'routes'; readonly routes: Routes }
  | ({ readonly type: 'commit' } & Readonly<Commit>)
  | ({ readonly type: 'insync' } & Readonly<InSync>)
  | ({ readonly type: 'heartbeat' } & Readonly<Heartbeat>)
  | ({ readonly type: 'goaway' } & Readonly<Goaway>);

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

type Fields = Record<string, unknown>;

const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength;
const isCount = (value: unknown) => typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
const isAbsentOr = (value: unknown, holds: (value: unknown) => boolean) => value === undefined || holds(value);
/** A revision is sent back in a header, which limits its characters. */
const isRevision = (value: unknown) => typeof value === 'string' && /^[\x21-\x7e]{1,64}$/.test(value);
const isVersion = (value: unknown) => typeof value === 'string' && /^[0-9]{1,20}$/.test(value);
const isResourceVersions = (value: unknown) =>
  isFields(value) && isAbsentOr(value.policies, isVersion) && isAbsentOr(value.overrides, isVersion);
const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isListOf = (value: unknown, holds: (item: unknown) => boolean) => Array.isArray(value) && value.every(holds);
const isRoute = (value: unknown) => Array.isArray(value) && isText(value[0], 128) && isText(value[1], 64);

const ACTIONS: unknown[] = ['ForceOpen', 'ForceClosed', 'Reset'];

const CHECKS: Record<string, (fields: Fields) => boolean> = {
  hello: (f) => isCount(f.protocol) && isCount(f.heartbeatMs) && isAbsentOr(f.reportUrl, (url) => isText(url, 2_048)),
  begin: (f) =>
    (f.kind === 'snapshot' || (f.kind === 'patch' && isRevision(f.base))) &&
    isRevision(f.revision) &&
    isCount(f.now) &&
    isAbsentOr(f.asOf, isResourceVersions) &&
    isAbsentOr(f.reset, (reset) => typeof reset === 'boolean'),
  policy: (f) =>
    isText(f.uid, 64) &&
    isCount(f.generation) &&
    isAbsentOr(f.name, (name) => isText(name, 253)) &&
    (f.hold === true || f.spec !== undefined),
  override: (f) =>
    isText(f.uid, 64) &&
    isText(f.name, 253) &&
    Array.isArray(f.breakers) &&
    f.breakers.every((name) => isText(name, 128)) &&
    isText(f.reason, 256) &&
    isCount(f.createdAt) &&
    isCount(f.expiresAt),
  remove: (f) => isText(f.uid, 64),
  commit: (f) => isRevision(f.revision),
  insync: (f) => isRevision(f.revision) && isCount(f.now) && isAbsentOr(f.asOf, isResourceVersions),
  heartbeat: (f) => isAbsentOr(f.asOf, isResourceVersions),
  goaway: (f) => isCount(f.reconnectAfterMs),
};

/** Whether stored JSON is a valid policy set. */
export const isStoredSet = (set: unknown): set is StoredSet =>
  isFields(set) &&
  isRevision(set.revision) &&
  isResourceVersions(set.asOf) &&
  isListOf(set.routes, isRoute) &&
  isListOf(set.policies, (policy) => isFields(policy) && isText(policy.name, 253) && CHECKS.policy!(policy)) &&
  isListOf(
    set.rejections,
    (one) => isFields(one) && [one.uid, one.field, one.message].every((text) => isText(text, 512)),
  ) &&
  isAbsentOr(set.overrides, (overrides) =>
    isListOf(overrides, (one) => isFields(one) && CHECKS.override!(one) && ACTIONS.includes(one.action)),
  );

/**
 * Parses one event of the stream.
 *
 * @returns the message; `undefined` for an unknown event of a newer version; a fault for a malformed event.
 */
export function readMessage({ event, data }: StreamEvent): Message | { readonly fault: string } | undefined {
  if (event !== 'routes' && !Object.hasOwn(CHECKS, event)) return undefined;
  let body: unknown;
  try {
    body = JSON.parse(data);
  } catch {
    return { fault: `the event "${event}" is not JSON` };
  }
  if (event === 'routes') {
    return isListOf(body, isRoute)
      ? { type: 'routes', routes: body as Routes }
      : { fault: 'the event "routes" is malformed' };
  }
  // An unknown action of a newer operator is ignored, and not reported as applied.
  if (event === 'override' && isFields(body) && !ACTIONS.includes(body.action)) return undefined;
  return isFields(body) && CHECKS[event]!(body)
    ? ({ ...body, type: event } as unknown as Message)
    : { fault: `the event "${event}" is malformed` };
}
