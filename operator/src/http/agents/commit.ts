import { encodeEvent } from '../../core/delivery/event.ts';
import type { ResourceVersions } from '../../core/delivery/resource-versions.ts';
import { difference, type Snapshot } from '../../core/delivery/snapshot.ts';
import { CACHE_LIMITS } from '../../core/limits/cache-limits.ts';

/** A snapshot for a stream to send next. */
export interface Offer {
  readonly snapshot: Snapshot;
  readonly asOf: ResourceVersions | undefined;
  /** Makes the agent discard its generation floors, because the store was restored. */
  readonly reset?: boolean;
}

interface Encoded extends Pick<Offer, 'asOf' | 'reset'> {
  /** The revision of the base. A reference to the base itself would keep all earlier snapshots in memory. */
  readonly before: string | undefined;
  readonly encodedAt: number;
  readonly bytes: Buffer;
}

/** Size of one write. Even with one more policy, it is far below the 256 KiB that may be buffered for a reader. */
const BATCH_BYTES = 65_536;

/** How old the time in a reused commit may be, in ms: long enough to send it to a whole fleet. */
const SAME_MOMENT_MS = 250;

/**
 * Maximum number of cached encodings for a snapshot, one for each base: the previous snapshot, none, and older ones of
 * a few slow agents.
 */
const MAX_BASES = CACHE_LIMITS['encoded-commits'].entries;

const encoded = new WeakMap<Snapshot, Encoded[]>();

/**
 * Encodes the events that turn `base`, or nothing, into the offered snapshot, in batches to be written in order. All
 * agents with the same base get the same bytes, unless the events exceed one batch.
 *
 * @param now the current time, in milliseconds since 1970.
 */
export function encodeCommit(base: Snapshot | undefined, offer: Offer, now: number): Iterable<Buffer> {
  const { snapshot, asOf, reset } = offer;
  const from = base?.revision;
  const known = encoded.get(snapshot) ?? [];
  const same = known.find((one) => one.before === from && one.asOf === asOf && one.reset === reset);
  if (same && Math.abs(now - same.encodedAt) < SAME_MOMENT_MS) return [same.bytes];
  const events = eventsOf(base, offer, now);
  if (events.reduce((size, event) => size + event.length, 0) > BATCH_BYTES) return batched(events);
  const bytes = Buffer.concat(events);
  const others = known.filter((one) => one !== same).slice(1 - MAX_BASES);
  encoded.set(snapshot, [...others, { before: from, asOf, reset, encodedAt: now, bytes }]);
  return [bytes];
}

function eventsOf(base: Snapshot | undefined, { snapshot, asOf, reset }: Offer, now: number): Buffer[] {
  const { revision } = snapshot;
  const { policies, overrides, removed, routes } = difference(base, snapshot);
  const begin = {
    kind: base ? 'patch' : 'snapshot',
    ...(base && { base: base.revision }),
    revision,
    ...(asOf && { asOf }),
    now,
    ...(reset && { reset }),
  };
  return [
    encodeEvent('begin', begin),
    ...policies.map((policy) => policy.bytes),
    ...overrides.map((override) => override.bytes),
    ...removed.map((uid) => encodeEvent('remove', { uid })),
    ...(routes ? [encodeEvent('routes', routes)] : []),
    encodeEvent('commit', { revision }, revision),
  ];
}

/** Builds each batch on demand, so that a slow reader of a large snapshot needs memory for only one. */
function* batched(events: readonly Buffer[]): Generator<Buffer> {
  let batch: Buffer[] = [];
  let size = 0;
  for (const [i, event] of events.entries()) {
    batch.push(event);
    size += event.length;
    if (size < BATCH_BYTES && i < events.length - 1) continue;
    yield batch.length === 1 ? event : Buffer.concat(batch);
    batch = [];
    size = 0;
  }
}
