import type { ServerResponse } from 'node:http';
import { encodeEvent } from '../../../core/delivery/event.ts';

/** What the watchers of one scope are told; made once for all of them. */
export interface Feed {
  /** Everything, for a watcher that begins. */
  state(): unknown;
  /** What is different from the last time; absent when nothing is. */
  difference(): unknown;
  /** When nothing is different. */
  heartbeat(): unknown;
}

/** Between two tellings lies at least this, and so many times what the one before took. */
const TELL_MS = 500;
const TELL_PAUSE = 9;

/** A page that hears nothing for this long says so; a heartbeat comes well before. */
const HEARTBEAT_MS = 2_000;

/** A stream ends after this time and is opened anew, even where nobody can say what its reader may do. */
const LONGEST_MS = 600_000;

/** How often it is asked whether a reader still may see what it is told. */
const RIGHTS_MS = 30_000;

/** What may wait for a slow reader before it is cut off; it begins anew with everything. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Readers at once, of all scopes. */
export const MAX_WATCHERS = 100;

interface Reader {
  readonly since: number;
  /** When it was last known that it may see this; absent while that is asked. */
  asked: number | undefined;
  readonly stillMay: () => Promise<boolean>;
}

/** Tells everybody who watches the same of it at once. */
export class Watchers {
  readonly #feed: Feed;
  readonly #now: () => number;
  readonly #readers = new Map<ServerResponse, Reader>();
  #timer: NodeJS.Timeout | undefined;
  #toldAt = 0;

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
   * @param stillMay whether it may still see this. Does not reject.
   */
  join(response: ServerResponse, stillMay: () => Promise<boolean>): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (this.#readers.size === 0) this.#feed.difference();
    response.write(encodeEvent('state', this.#feed.state()));
    const since = this.#now();
    this.#readers.set(response, { since, asked: since, stillMay });
    response.on('close', () => {
      this.#readers.delete(response);
      if (this.#readers.size === 0) this.#rest();
    });
    this.#timer ??= setTimeout(() => this.#tell(), TELL_MS);
  }

  /** Ends every stream. */
  close(): void {
    for (const response of this.#readers.keys()) response.end();
    this.#readers.clear();
    this.#rest();
  }

  #rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #tell(): void {
    const begun = this.#now();
    const difference = this.#feed.difference();
    if (difference !== undefined) this.#write(encodeEvent('difference', difference));
    else if (begun - this.#toldAt >= HEARTBEAT_MS - TELL_MS)
      this.#write(encodeEvent('heartbeat', this.#feed.heartbeat()));
    for (const [response, reader] of this.#readers) {
      if (begun - reader.since >= LONGEST_MS) response.end();
      else if (reader.asked !== undefined && begun - reader.asked >= RIGHTS_MS) void this.#askAgain(response, reader);
    }
    this.#timer = setTimeout(
      () => this.#tell(),
      Math.min(HEARTBEAT_MS, Math.max(TELL_MS, TELL_PAUSE * (this.#now() - begun))),
    );
  }

  async #askAgain(response: ServerResponse, reader: Reader): Promise<void> {
    reader.asked = undefined;
    const may = await reader.stillMay();
    reader.asked = this.#now();
    if (!may && this.#readers.has(response)) response.end();
  }

  #write(bytes: Buffer): void {
    this.#toldAt = this.#now();
    for (const response of this.#readers.keys()) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(bytes);
    }
  }
}
