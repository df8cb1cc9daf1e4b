import type { ServerResponse } from 'node:http';
import { PROTOCOL } from '@fuseboard/schema';
import { encodeEvent } from '../../core/delivery/event.ts';
import type { ResourceVersions } from '../../core/delivery/resource-versions.ts';
import type { Snapshot } from '../../core/delivery/snapshot.ts';
import { encodeCommit, type Offer } from './commit.ts';

export interface StreamOptions {
  /** The agent's snapshot: the recently sent one with the revision that the agent reports. */
  readonly base: Snapshot | undefined;
  /** The revision that the agent reports; possibly one that this process never sent. */
  readonly revision: string | undefined;
  readonly reportUrl: string | undefined;
  readonly heartbeatMs: number;
  readonly asOf: () => ResourceVersions | undefined;
  /** The current time, in milliseconds since 1970. */
  readonly now: () => number;
  /** Called before a snapshot is written. From then on, the agent may report its revision. */
  readonly sending: (snapshot: Snapshot) => void;
  /** Called when a snapshot has been written, or when the agent already had it. */
  readonly sent: (snapshot: Snapshot, bytes: number) => void;
}

/** A snapshot that is being written. */
interface Writing {
  readonly snapshot: Snapshot;
  /** The batches that are not written yet. */
  readonly batches: Iterator<Buffer>;
  bytes: number;
}

/**
 * The event stream of one agent. It has at most one pending offer, the latest. So a slow reader skips replaced offers,
 * and does not delay other agents.
 */
export class AgentStream {
  readonly #response: ServerResponse;
  readonly #options: StreamOptions;
  readonly #heartbeat: NodeJS.Timeout;
  #next: Offer | undefined;
  #written: Snapshot | undefined;
  #claimedRevision: string | undefined;
  #current: Writing | undefined;
  /** Whether the stream waits for the reader to catch up. */
  #waiting = false;

  constructor(response: ServerResponse, options: StreamOptions) {
    this.#response = response;
    this.#options = options;
    this.#written = options.base;
    this.#claimedRevision = options.revision;
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
    });
    const { heartbeatMs, reportUrl } = options;
    response.write(encodeEvent('hello', { protocol: PROTOCOL, ...(reportUrl && { reportUrl }), heartbeatMs }));
    this.#heartbeat = setInterval(() => this.#sendHeartbeat(), heartbeatMs);
    response.on('close', () => clearInterval(this.#heartbeat));
  }

  /** Replaces the pending offer. */
  offer(offer: Offer): void {
    this.#next = this.#next?.reset ? { ...offer, reset: true } : offer;
    if (!this.#waiting) this.#write();
  }

  /** Asks the agent to reconnect after `reconnectAfterMs`, and ends the stream. Does nothing when it has ended. */
  goaway(reconnectAfterMs: number): void {
    if (this.#response.writableEnded) return;
    clearInterval(this.#heartbeat);
    this.#next = undefined;
    this.#response.end(encodeEvent('goaway', { reconnectAfterMs: Math.round(reconnectAfterMs) }));
  }

  /** Cuts the connection, even with unsent data. */
  cut(): void {
    this.#response.destroy();
  }

  /** Writes until the reader falls behind; continues when it has caught up. */
  #write(): void {
    while (!this.#response.writableEnded && !this.#response.destroyed) {
      this.#current ??= this.#nextWriting();
      if (this.#current === undefined) return;
      const { snapshot, batches } = this.#current;
      const { done, value: batch } = batches.next();
      if (done) {
        this.#written = snapshot;
        this.#claimedRevision = snapshot.revision;
        this.#options.sent(snapshot, this.#current.bytes);
        this.#current = undefined;
        continue;
      }
      this.#current.bytes += batch.length;
      if (!this.#response.write(batch)) {
        this.#waitForDrain();
        return;
      }
    }
  }

  /** Takes the pending offer, if there is one. */
  #nextWriting(): Writing | undefined {
    const offer = this.#next;
    if (offer === undefined) return undefined;
    this.#next = undefined;
    this.#options.sending(offer.snapshot);
    return { snapshot: offer.snapshot, batches: this.#batches(offer)[Symbol.iterator](), bytes: 0 };
  }

  /** The events that update the agent from its snapshot to the offered one. */
  #batches(offer: Offer): Iterable<Buffer> {
    const { asOf, reset, snapshot } = offer;
    const now = this.#options.now();
    const { revision } = snapshot;
    if (revision === this.#claimedRevision && !reset) {
      return [encodeEvent('insync', { revision, ...(asOf && { asOf }), now })];
    }
    return encodeCommit(reset ? undefined : this.#written, offer, now);
  }

  /** Continues writing when the reader has caught up. One that takes nothing is cut by the limits of connections. */
  #waitForDrain(): void {
    this.#waiting = true;
    const response = this.#response;
    const settle = () => {
      response.off('drain', settle);
      response.off('close', settle);
      this.#waiting = false;
      this.#write();
    };
    response.on('drain', settle);
    response.on('close', settle);
  }

  #sendHeartbeat(): void {
    if (this.#waiting || this.#response.writableEnded) return;
    const asOf = this.#options.asOf();
    const room = this.#response.write(encodeEvent('heartbeat', { ...(asOf && { asOf }), now: this.#options.now() }));
    if (!room) this.#waitForDrain();
  }
}
