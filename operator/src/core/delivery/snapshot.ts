import { createHash } from 'node:crypto';
import { MAX_BYTES_PER_AGENT, MAX_POLICIES_PER_AGENT, MAX_ROUTES_PER_AGENT, type Routes } from '@fuseboard/schema';
import type { Override } from '../policy/override.ts';
import type { OverrideUid, PolicyUid } from '../uid.ts';
import { encodeEvent } from './event.ts';

/**
 * One policy in its wire format: serialised once for each version and shared by every snapshot and stream that contains
 * it.
 */
export interface PolicyEntry {
  readonly uid: PolicyUid;
  readonly name: string;
  readonly generation: number;
  readonly hold: boolean;
  /** Hash over uid, generation, hold and spec: the same on every replica. */
  readonly digest: string;
  /** The serialised event. */
  readonly bytes: Buffer;
}

/** One override in its wire format. */
export interface OverrideEntry {
  readonly uid: OverrideUid;
  readonly name: string;
  readonly digest: string;
  /** The serialised event. */
  readonly bytes: Buffer;
}

/** Everything that the agents of one audience receive. Two snapshots with the same revision have the same content. */
export interface Snapshot {
  readonly revision: string;
  readonly routes: Routes;
  readonly routesDigest: string;
  /** In the order of the routes. */
  readonly entries: ReadonlyMap<PolicyUid, PolicyEntry>;
  readonly overrides: ReadonlyMap<OverrideUid, OverrideEntry>;
  readonly bytes: number;
  /** Why the snapshot is too large to be sent to an agent; absent when it is not. */
  readonly tooLarge?: string;
}

/** The changes that turn one snapshot into another. */
export interface Difference {
  readonly policies: readonly PolicyEntry[];
  readonly overrides: readonly OverrideEntry[];
  /** The uids of removed policies and overrides. */
  readonly removed: readonly string[];
  /** The complete new routes; absent when they are unchanged. */
  readonly routes?: Routes;
}

/** Serialises a policy. With `hold`, the spec is left out. */
export function entryOf(policy: {
  uid: string;
  name: string;
  generation: number;
  spec: unknown;
  hold: boolean;
}): PolicyEntry {
  const { uid, name, generation, spec, hold } = policy;
  const event = hold ? { uid, generation, name, hold } : { uid, generation, name, spec };
  const digest = hash([uid, generation, hold, hold ? null : spec]);
  return { uid, name, generation, hold, digest, bytes: encodeEvent('policy', event) };
}

export function overrideEntryOf({ uid, name, createdAt, expiresAt, spec }: Override): OverrideEntry {
  const { breakers, action, reason } = spec;
  const event = { uid, name, breakers, action, reason, createdAt, expiresAt };
  return { uid, name, digest: hash(event), bytes: encodeEvent('override', event) };
}

/** Builds a snapshot from flat routes, the policy entries that they refer to, and overrides. */
export function snapshotOf(
  routes: Routes,
  entry: (uid: string) => PolicyEntry,
  overrides: readonly OverrideEntry[] = [],
): Snapshot {
  const entries = new Map<PolicyUid, PolicyEntry>();
  for (const [, uid] of routes) if (!entries.has(uid)) entries.set(uid, entry(uid));
  const routesDigest = hash(routes);
  const all = [...entries.values(), ...overrides];
  const revision = hash([routesDigest, ...all.map((one) => one.digest)]);
  let bytes = 0;
  for (const one of all) bytes += one.bytes.length;
  const tooLarge = refusal(entries.size, routes.length, bytes);
  const byUid = new Map(overrides.map((one) => [one.uid, one]));
  return { revision, routes, routesDigest, entries, overrides: byUid, bytes, ...(tooLarge && { tooLarge }) };
}

/** The changes to send to an agent so that `from` becomes `to`. An agent without a snapshot has no `from`. */
export function difference(from: Snapshot | undefined, to: Snapshot): Difference {
  const policies = [...to.entries.values()].filter(({ uid, digest }) => from?.entries.get(uid)?.digest !== digest);
  const overrides = [...to.overrides.values()].filter(({ uid, digest }) => from?.overrides.get(uid)?.digest !== digest);
  const removed = [
    ...[...(from?.entries.keys() ?? [])].filter((uid) => !to.entries.has(uid)),
    ...[...(from?.overrides.keys() ?? [])].filter((uid) => !to.overrides.has(uid)),
  ];
  return { policies, overrides, removed, ...(from?.routesDigest !== to.routesDigest && { routes: to.routes }) };
}

function refusal(policies: number, routes: number, bytes: number): string | undefined {
  if (policies > MAX_POLICIES_PER_AGENT)
    return `${policies} policies are routed to one agent; the limit is ${MAX_POLICIES_PER_AGENT}; use selectors or fewer policies`;
  if (routes > MAX_ROUTES_PER_AGENT)
    return `${routes} names and prefixes of breakers are routed to one agent; the limit is ${MAX_ROUTES_PER_AGENT}; use selectors or prefixes`;
  if (bytes > MAX_BYTES_PER_AGENT)
    return `the policies routed to one agent take ${bytes} bytes; the limit is ${MAX_BYTES_PER_AGENT}; use selectors or smaller policies`;
  return undefined;
}

/** 128 bits of SHA-256 over the JSON of a value. */
function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest().subarray(0, 16).toString('base64url');
}
