import type { ServerResponse } from 'node:http';
import { encodeEvent } from '../../../core/delivery/event.ts';
import { LIMITS } from '../../../core/limits/limits.ts';

/** The messages for the watchers of one scope; made once for all of them. */
export interface Feed {
  /** Everything, for a watcher that begins. */
  state(): unknown;
  /** The difference from the last message; absent when there is none. */
  difference(): unknown;
  /** The message when there is no difference. */
  heartbeat(): unknown;
}

/** The minimum pause between two messages, and the multiple of the time that the last one took. */
const BROADCAST_MS = 500;
const BROADCAST_PAUSE_FACTOR = 9;

/** A page that receives nothing for this long shows that; a heartbeat is sent well before. */
const HEARTBEAT_MS = 2_000;

/** A stream ends after this time and is opened again, also when permissions cannot be checked. */
const LONGEST_MS = 600_000;

/** How often the permission of a reader is checked again. */
const ACCESS_RECHECK_MS = 30_000;

/** The most bytes that may wait for a slow reader before it is cut off; it reconnects and gets the whole state. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** The maximum number of readers, of all scopes. */
export const MAX_WATCHERS = LIMITS.watches.value;

interface Reader {
  readonly since: number;
  /** When it was last known that it may see this; absent while that is checkedAt. */
  checkedAt: number | undefined;
  readonly isStillAllowed: () => Promise<boolean>;
}

/** Sends one message to all watchers of the same scope. */
export class Watchers {
  readonly #feed: Feed;
  readonly #now: () => number;
  readonly #readers = new Map<ServerResponse, Reader>();
  #timer: NodeJS.Timeout | undefined;
  #sentAt = 0;

  /** @param now monotonic, in milliseconds. */
  constructor(feed: Feed, now: () => number) {
    this.#feed = feed;
    this.#now = now;
  }

  get count(): number {
    return this.#readers.size;
  }

  /**
   * Begins to tell; ends when the reader goes or may see no more.
   *
   * @param isStillAllowed whether it may still see this. Does not reject.
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
    response.on('close', () => {
      this.#readers.delete(response);
      if (this.#readers.size === 0) this.#stopTimer();
    });
    this.#timer ??= setTimeout(() => this.#broadcast(), BROADCAST_MS);
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#readers.keys()) response.end();
    this.#readers.clear();
    this.#stopTimer();
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
      if (begun - reader.since >= LONGEST_MS) response.end();
      else if (reader.checkedAt !== undefined && begun - reader.checkedAt >= ACCESS_RECHECK_MS)
        void this.#recheckAccess(response, reader);
    }
    this.#timer = setTimeout(
      () => this.#broadcast(),
      Math.min(HEARTBEAT_MS, Math.max(BROADCAST_MS, BROADCAST_PAUSE_FACTOR * (this.#now() - begun))),
    );
  }

  async #recheckAccess(response: ServerResponse, reader: Reader): Promise<void> {
    reader.checkedAt = undefined;
    const may = await reader.isStillAllowed();
    reader.checkedAt = this.#now();
    if (!may && this.#readers.has(response)) response.end();
  }

  #write(bytes: Buffer): void {
    this.#sentAt = this.#now();
    for (const response of this.#readers.keys()) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(bytes);
    }
  }
}
