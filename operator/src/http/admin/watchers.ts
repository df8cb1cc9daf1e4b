import type { ServerResponse } from 'node:http';
import { encodeEvent } from '../../core/event.ts';

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

/** A stream ends after this time and is opened anew, so that what its reader may do is asked again. */
const LONGEST_MS = 600_000;

/** What may wait for a slow reader before it is cut off; it begins anew with everything. */
const MAX_WAITING_BYTES = 16 * 1024 * 1024;

/** Readers at once, of all scopes. */
export const MAX_WATCHERS = 100;

/** Tells everybody who watches the same of it at once. */
export class Watchers {
  readonly #feed: Feed;
  readonly #now: () => number;
  readonly #readers = new Map<ServerResponse, number>();
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

  /** Begins to tell; ends when the reader goes. */
  join(response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    if (this.#readers.size === 0) this.#feed.difference();
    response.write(encodeEvent('state', this.#feed.state()));
    this.#readers.set(response, this.#now());
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
    for (const [response, since] of this.#readers) if (begun - since >= LONGEST_MS) response.end();
    this.#timer = setTimeout(
      () => this.#tell(),
      Math.min(HEARTBEAT_MS, Math.max(TELL_MS, TELL_PAUSE * (this.#now() - begun))),
    );
  }

  #write(bytes: Buffer): void {
    this.#toldAt = this.#now();
    for (const response of this.#readers.keys()) {
      if (response.writableLength > MAX_WAITING_BYTES) response.destroy();
      else response.write(bytes);
    }
  }
}
