import type { ServerResponse } from 'node:http';
import { encodeEvent } from '../../../core/delivery/event.ts';
import { LIMITS } from '../../../core/limits/limits.ts';

/** Builds the messages for the watchers of one scope. Each message is built once for all of them. */
export interface Feed {
  /** The complete state, for a new watcher. */
  state(): unknown;
  /** The difference from the previous message; undefined when nothing changed. */
  difference(): unknown;
  /** The message when there is no difference. */
  heartbeat(): unknown;
}

/**
 * The minimum pause between two messages. The pause is at least the time to build the last message times the factor.
 */
const BROADCAST_MS = 500;
const BROADCAST_PAUSE_FACTOR = 9;

/** The heartbeat interval, well below the time after which the page reports a lost connection. */
const HEARTBEAT_MS = 2_000;

/**
 * The maximum duration of a stream. The client then reconnects, so that its permissions are checked even when rechecks
 * fail.
 */
const LONGEST_MS = 600_000;

/** Interval for rechecking the permission of a reader. */
const ACCESS_RECHECK_MS = 30_000;

/**
 * Limit of unsent bytes for a slow reader. Beyond it, the reader is disconnected; it reconnects and gets the whole
 * state.
 */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** A reader that has not taken the rest of its stream this long after the end is disconnected. */
const END_MS = 10_000;

/** Maximum number of readers over all scopes. */
export const MAX_WATCHERS = LIMITS.watches.value;

interface Reader {
  readonly since: number;
  /** When the permission was last checked; undefined during a check. */
  checkedAt: number | undefined;
  readonly isStillAllowed: () => Promise<boolean>;
}

/** Sends each message to all watchers of one scope. */
export class Watchers {
  readonly #feed: Feed;
  readonly #now: () => number;
  readonly #readers = new Map<ServerResponse, Reader>();
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;

  /** @param now the monotonic time, in milliseconds. */
  constructor(feed: Feed, now: () => number) {
    this.#feed = feed;
    this.#now = now;
  }

  get count(): number {
    return this.#readers.size;
  }

  /**
   * Starts a stream. It ends when the reader disconnects or loses its permission.
   *
   * @param isStillAllowed checks whether the reader still has the permission; must not reject.
   */
  join(response: ServerResponse, isStillAllowed: () => Promise<boolean>): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (this.#readers.size === 0) this.#feed.difference();
    response.write(encodeEvent('state', this.#feed.state()));
    const since = this.#now();
    this.#readers.set(response, { since, checkedAt: since, isStillAllowed });
    response.on('close', () => this.#remove(response));
    this.#timer ??= setTimeout(() => this.#broadcast(), BROADCAST_MS);
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#readers.keys()) this.#end(response);
  }

  /** Ends one stream, to which nothing is written any more, although a slow reader still reads. */
  #end(response: ServerResponse): void {
    this.#remove(response);
    response.end();
    const late = setTimeout(() => response.destroy(), END_MS);
    response.on('close', () => clearTimeout(late));
  }

  #remove(response: ServerResponse): void {
    this.#readers.delete(response);
    if (this.#readers.size === 0) this.#stopTimer();
  }

  #stopTimer(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #broadcast(): void {
    const begun = this.#now();
    const difference = this.#feed.difference();
    if (difference !== undefined) this.#write(encodeEvent('difference', difference));
    else if (begun - this.#sentAt >= HEARTBEAT_MS - BROADCAST_MS)
      this.#write(encodeEvent('heartbeat', this.#feed.heartbeat()));
    for (const [response, reader] of this.#readers) {
      if (begun - reader.since >= LONGEST_MS) this.#end(response);
      else if (reader.checkedAt !== undefined && begun - reader.checkedAt >= ACCESS_RECHECK_MS)
        void this.#recheckAccess(response, reader);
    }
    if (this.#readers.size === 0) return;
    this.#timer = setTimeout(
      () => this.#broadcast(),
      Math.min(HEARTBEAT_MS, Math.max(BROADCAST_MS, BROADCAST_PAUSE_FACTOR * (this.#now() - begun))),
    );
  }

  async #recheckAccess(response: ServerResponse, reader: Reader): Promise<void> {
    reader.checkedAt = undefined;
    const may = await reader.isStillAllowed();
    reader.checkedAt = this.#now();
    if (!may && this.#readers.has(response)) this.#end(response);
  }

  #write(bytes: Buffer): void {
    this.#sentAt = this.#now();
    for (const response of this.#readers.keys()) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(bytes);
    }
  }
}
