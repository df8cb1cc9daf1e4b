import type { ServerResponse } from 'node:http';
import { PROTOCOL } from '@fuseboard/schema';
import type { AsOf } from '../core/as-of.ts';
import type { Board } from '../core/board.ts';
import { encodeEvent } from '../core/event.ts';
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
  #writing = false;

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
    this.#next = { ...offer, reset: offer.reset || this.#next?.reset };
    if (!this.#writing) void this.#write();
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

  async #write(): Promise<void> {
    this.#writing = true;
    while (this.#next !== undefined && !this.#response.writableEnded && !this.#response.destroyed) {
      const offer = this.#next;
      this.#next = undefined;
      this.#options.sending(offer.board);
      const bytes = await this.#commit(offer);
      if (bytes === undefined) break;
      this.#written = offer.board;
      this.#claimed = offer.board.revision;
      this.#options.sent(offer.board, bytes);
    }
    this.#writing = false;
  }

  /** Writes what is new in a board; resolves to the bytes written, or to nothing when the stream ended before. */
  #commit(offer: Offer): Promise<number | undefined> {
    const { asOf, reset, board } = offer;
    const now = this.#options.now();
    const { revision } = board;
    if (revision === this.#claimed && !reset) {
      return this.#put([encodeEvent('insync', { revision, ...(asOf && { asOf }), now })]);
    }
    return this.#put(encodeCommit(reset ? undefined : this.#written, offer, now));
  }

  async #put(batches: Iterable<Buffer>): Promise<number | undefined> {
    let written = 0;
    for (const batch of batches) {
      if (this.#response.writableEnded || this.#response.destroyed) return undefined;
      const room = this.#response.write(batch);
      written += batch.length;
      if (!room && !(await this.#drained())) return undefined;
    }
    return written;
  }

  /** Resolves to true when the reader has taken what was written, to false when the stream ended or stalled. */
  #drained(): Promise<boolean> {
    const response = this.#response;
    return new Promise((resolve) => {
      let left = response.writableLength;
      const stalled = setInterval(() => {
        if (response.writableLength < left) left = response.writableLength;
        else response.destroy();
      }, this.#options.stallMs);
      const settle = (drained: boolean) => {
        clearInterval(stalled);
        response.off('drain', onDrain);
        response.off('close', onClose);
        resolve(drained);
      };
      const onDrain = () => settle(true);
      const onClose = () => settle(false);
      response.on('drain', onDrain);
      response.on('close', onClose);
      if (response.destroyed) settle(false);
    });
  }

  #beat(): void {
    if (this.#writing || this.#response.writableEnded) return;
    const asOf = this.#options.asOf();
    const room = this.#response.write(encodeEvent('heartbeat', { ...(asOf && { asOf }), now: this.#options.now() }));
    if (room) return;
    this.#writing = true;
    void this.#drained().then((drained) => {
      this.#writing = false;
      if (drained) void this.#write();
    });
  }
}
