import { encodeEvent } from '../../core/delivery/event.ts';
import type { ResourceVersions } from '../../core/delivery/resource-versions.ts';
import { difference, type Snapshot } from '../../core/delivery/snapshot.ts';

/** A snapshot for a stream to send next. */
export interface Offer {
  readonly snapshot: Snapshot;
  readonly asOf: ResourceVersions | undefined;
  /** Voids the floors that the agent holds: its store went back in time. */
  readonly reset?: boolean;
}

interface Encoded extends Pick<Offer, 'asOf' | 'reset'> {
  /** By revision: a snapshot that held on to the one before it would keep all that ever were. */
  readonly before: string | undefined;
  readonly encodedAt: number;
  readonly bytes: Buffer;
}

/** The size of one write; with one more policy it is still far below the 256 KiB that may be buffered for a reader. */
const BATCH_BYTES = 65_536;

/** How long the time in a commit may lag, in ms: long enough to send it to a whole fleet. */
const SAME_MOMENT_MS = 250;

/**
 * Encodings that are kept for a snapshot, one for each base: the snapshot before, none, and older ones of a few slow
 * agents.
 */
const MAX_BASES = 4;

const encoded = new WeakMap<Snapshot, Encoded[]>();

/**
 * The events that turn `base`, or nothing, into the snapshot that is offered, in batches to be written one after the
 * other. All agents that make the same step are given the same bytes, unless these are many.
 *
 * @param now wall clock, milliseconds since 1970.
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

/** One after the other as they are asked for, so that a slow reader of a large snapshot costs one of them. */
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
