import type { ServerResponse } from 'node:http';
import { PROTOCOL } from '@fuseboard/schema';
import { encodeEvent } from '../../core/delivery/event.ts';
import type { AsOf } from '../../core/delivery/resource-versions.ts';
import type { Board } from '../../core/delivery/snapshot.ts';
import { encodeCommit, type Offer } from './commit.ts';

export interface StreamOptions {
  /** What the agent showed that it has: sent to it lately, by its revision. */
  readonly base: Board | undefined;
  /** The revision that the agent says it has; it may be one that this process never sent. */
  readonly revision: string | undefined;
  readonly reportUrl: string | undefined;
  readonly heartbeatMs: number;
  /** A reader that takes nothing for this long is cut off. */
  readonly stallMs: number;
  readonly asOf: () => AsOf | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly now: () => number;
  /** A board is about to be written; from now on the agent may say that it has it. */
  readonly sending: (board: Board) => void;
  /** A board is written out, or the agent had it already. */
  readonly sent: (board: Board, bytes: number) => void;
}

/** A board on its way to the reader. */
interface Writing {
  readonly board: Board;
  /** What is left to be written. */
  readonly batches: Iterator<Buffer>;
  bytes: number;
}

/**
 * The event stream of one agent. It holds one offer at a time, the latest: a slow reader skips what was replaced while it
 * was reading, and nobody waits for it.
 */
export class AgentStream {
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #next: Offer | undefined;
  #written: Board | undefined;
  #claimed: string | undefined;
  #current: Writing | undefined;
  /** Whether the reader has to catch up first. */
  #waiting = false;

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#written = options.base;
    this.#claimed = options.revision;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const { heartbeatMs, reportUrl } = options;
    response.write(encodeEvent('hello', { protocol: PROTOCOL, ...(reportUrl && { reportUrl }), heartbeatMs }));
    this.#heartbeat = setInterval(() => this.#beat(), heartbeatMs);
    response.on('close', () => clearInterval(this.#heartbeat));
  }

  /** Replaces whatever was waiting to be written. */
  offer(offer: Offer): void {
    this.#next = this.#next?.reset ? { ...offer, reset: true } : offer;
    if (!this.#waiting) this.#write();
  }

  /** Asks the agent to dial again after a while, and ends the stream. */
  goaway(reconnectAfterMs: number): void {
    clearInterval(this.#heartbeat);
    this.#next = undefined;
    this.#response.end(encodeEvent('goaway', { reconnectAfterMs: Math.round(reconnectAfterMs) }));
  }

  /** Cuts the connection, whatever is still to be written. */
  cut(): void {
    this.#response.destroy();
  }

  /** Writes for as long as the reader keeps up; goes on when it has caught up. */
  #write(): void {
    while (!this.#response.writableEnded && !this.#response.destroyed) {
      this.#current ??= this.#begin();
      if (this.#current === undefined) return;
      const { board, batches } = this.#current;
      const { done, value: batch } = batches.next();
      if (done) {
        this.#written = board;
        this.#claimed = board.revision;
        this.#options.sent(board, this.#current.bytes);
        this.#current = undefined;
        continue;
      }
      this.#current.bytes += batch.length;
      if (!this.#response.write(batch)) {
        this.#wait();
        return;
      }
    }
  }

  /** Takes what is to be written next, if there is something. */
  #begin(): Writing | undefined {
    const offer = this.#next;
    if (offer === undefined) return undefined;
    this.#next = undefined;
    this.#options.sending(offer.board);
    return { board: offer.board, batches: this.#batches(offer)[Symbol.iterator](), bytes: 0 };
  }

  /** What is new in a board. */
  #batches(offer: Offer): Iterable<Buffer> {
    const { asOf, reset, board } = offer;
    const now = this.#options.now();
    const { revision } = board;
    if (revision === this.#claimed && !reset) {
      return [encodeEvent('insync', { revision, ...(asOf && { asOf }), now })];
    }
    return encodeCommit(reset ? undefined : this.#written, offer, now);
  }

  /** Goes on when the reader has taken what was written, and cuts it off when it stalls. */
  #wait(): void {
    this.#waiting = true;
    const response = this.#response;
    let left = response.writableLength;
    const stalled = setInterval(() => {
      if (response.writableLength < left) left = response.writableLength;
      else response.destroy();
    }, this.#options.stallMs);
    const settle = () => {
      clearInterval(stalled);
      response.off('drain', settle);
      response.off('close', settle);
      this.#waiting = false;
      this.#write();
    };
    response.on('drain', settle);
    response.on('close', settle);
  }

  #beat(): void {
    if (this.#waiting || this.#response.writableEnded) return;
    const asOf = this.#options.asOf();
    const room = this.#response.write(encodeEvent('heartbeat', { ...(asOf && { asOf }), now: this.#options.now() }));
    if (!room) this.#wait();
  }
}
