import { encodeEvent } from '../../core/delivery/event.ts';
import type { AsOf } from '../../core/delivery/resource-versions.ts';
import { type Board, difference } from '../../core/delivery/snapshot.ts';

/** What a stream should carry next. */
export interface Offer {
  readonly board: Board;
  readonly asOf: AsOf | undefined;
  /** Voids the floors that the agent holds: its store went back in time. */
  readonly reset?: boolean;
}

interface Encoded extends Pick<Offer, 'asOf' | 'reset'> {
  /** By revision: a board that held on to the one before it would keep all that ever were. */
  readonly base: string | undefined;
  readonly now: number;
  readonly bytes: Buffer;
}

/** What is written at once; with one more policy it stays far below the 256 KiB that may be buffered for a reader. */
const BATCH_BYTES = 65_536;

/** How long the time told with a commit may lag, in ms: long enough to tell it to a whole fleet. */
const SAME_MOMENT_MS = 250;

/** Bases that agents of one board may come from at a time: what they had before, nothing, and what a few slow ones had. */
const MAX_BASES = 4;

const encoded = new WeakMap<Board, Encoded[]>();

/**
 * The events that turn `base`, or nothing, into the board that is offered, in batches to be written one after the other.
 * All agents that make the same step are given the same bytes, unless these are many.
 *
 * @param now wall clock, milliseconds since 1970.
 */
export function encodeCommit(base: Board | undefined, offer: Offer, now: number): Iterable<Buffer> {
  const { board, asOf, reset } = offer;
  const from = base?.revision;
  const known = encoded.get(board) ?? [];
  const same = known.find((one) => one.base === from && one.asOf === asOf && one.reset === reset);
  if (same && Math.abs(now - same.now) < SAME_MOMENT_MS) return [same.bytes];
  const events = eventsOf(base, offer, now);
  if (events.reduce((size, event) => size + event.length, 0) > BATCH_BYTES) return batched(events);
  const bytes = Buffer.concat(events);
  const others = known.filter((one) => one !== same).slice(1 - MAX_BASES);
  encoded.set(board, [...others, { base: from, asOf, reset, now, bytes }]);
  return [bytes];
}

function eventsOf(base: Board | undefined, { board, asOf, reset }: Offer, now: number): Buffer[] {
  const { revision } = board;
  const { policies, overrides, removed, routes } = difference(base, board);
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

/** One after the other as they are asked for, so that a slow reader of a large board costs one of them. */
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
