import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Clock } from '../core/clock.ts';
import { peerAddress } from './peer-address.ts';

/** The limit at which a connection was closed. */
export type ConnectionLimit = 'all' | 'address' | 'stalled' | 'unread';

export interface ConnectionsOptions {
  readonly max: number;
  /**
   * A response is cut when its reader took nothing for this long, in ms, and for the time that its unread bytes take at
   * the lowest rate.
   */
  readonly stallMs: number;
  /** Limit of bytes that readers have not taken, of all responses together. Absent: only the stall limits them. */
  readonly maxUnreadBytes?: number | undefined;
  readonly onCut: (address: string, limit: ConnectionLimit) => void;
  readonly clock: Clock;
}

/** The share of the connections that one address can have. */
const ADDRESS_SHARE = 0.5;

/**
 * The lowest rate of a reader, in bytes per millisecond. A long response is one write, of which nothing is seen until
 * the reader has taken all of it.
 */
const MIN_RATE = 64;

/** The longest time between two checks of unread responses, and how long one may take before it counts, in ms. */
const CHECK_MS = 1_000;

/** The bytes of a response that its reader has not taken. */
interface Unread {
  readonly bytes: number;
  /** When it was first seen that there are some. */
  readonly since: number;
  /** The end of the time that the reader may take for them. */
  readonly due: number;
}

interface Connection {
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  response?: ServerResponse;
  unread?: Unread | undefined;
}

/**
 * Number of oldest idle connections to compare at the limit. Of these, one from the address with the most connections
 * is closed.
 */
const CANDIDATES = 32;

/**
 * Limits the connections of a server, in total and of one address. At a limit, a new connection replaces an old idle
 * one, which has no request or a finished response. A connection with a running response is closed only when nobody
 * reads the response. So a client with many idle or unread connections does not exclude others, and no client can hold
 * all connections.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** Idle connections by address and port, the oldest first. */
  readonly #waiting = new Map<string, Connection>();
  readonly #answering = new Map<string, Connection>();
  readonly #addresses = new Map<string, number>();

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Starts to limit a server, which must not listen yet. */
  watch(server: Server): void {
    server.on('connection', (socket: Socket) => this.#add(socket));
    server.prependListener('request', ({ socket }, response) => {
      const connection = this.#waiting.get(keyOf(socket)) ?? this.#answering.get(keyOf(socket));
      if (connection === undefined) return;
      if (this.#options.maxUnreadBytes !== undefined) this.#check();
      connection.response = response;
      response.on('close', () => this.#idle(connection));
    });
    server.on('listening', () => {
      const checks = setInterval(() => this.#check(), Math.min(CHECK_MS, this.#options.stallMs / 10));
      server.on('close', () => clearInterval(checks));
      checks.unref();
    });
  }

  get count(): number {
    return this.#waiting.size + this.#answering.size;
  }

  #add(socket: Socket): void {
    const { max, onCut } = this.#options;
    const address = peerAddress(socket);
    // The client closed it before it was accepted. Without an address and a port, it cannot be told from others.
    if (address === '') {
      socket.destroy();
      return;
    }
    const ofAddress = this.#addresses.get(address) ?? 0;
    const limit = ofAddress >= Math.ceil(max * ADDRESS_SHARE) ? 'address' : this.count >= max ? 'all' : undefined;
    if (limit !== undefined) {
      const victim = this.#victim(limit === 'address' ? address : undefined);
      onCut(victim?.address ?? address, limit);
      if (victim === undefined) {
        socket.destroy();
        return;
      }
      this.#remove(victim);
      victim.socket.destroy();
    }
    const key = keyOf(socket);
    const connection = { key, socket, address };
    this.#waiting.set(key, connection);
    this.#addresses.set(address, (this.#addresses.get(address) ?? 0) + 1);
    socket.on('close', () => this.#remove(connection));
  }

  /** @param of the address whose connection to close; absent: any. */
  #victim(of: string | undefined): Connection | undefined {
    let found: Connection | undefined;
    let compared = 0;
    const ofAddress = ({ address }: Connection) => this.#addresses.get(address) ?? 0;
    for (const [key, connection] of this.#waiting) {
      const { response } = connection;
      if (response?.headersSent && !response.writableFinished) {
        this.#waiting.delete(key);
        this.#answering.set(key, connection);
        continue;
      }
      if (of !== undefined && connection.address !== of) continue;
      if (found === undefined || ofAddress(connection) > ofAddress(found)) found = connection;
      compared += 1;
      if (compared >= CANDIDATES || of !== undefined) break;
    }
    return found;
  }

  /** Cuts responses that nobody reads, and those with the most unread bytes while all together have too many. */
  #check(): void {
    const { stallMs, maxUnreadBytes = Number.POSITIVE_INFINITY, clock } = this.#options;
    const now = clock.now();
    const slow: (Connection & { unread: Unread })[] = [];
    let bytes = 0;
    for (const connections of [this.#waiting, this.#answering]) {
      for (const connection of connections.values()) {
        connection.unread = unreadOf(connection, now);
        if (!hasUnread(connection)) continue;
        if (connection.unread.due + stallMs <= now) this.#cut(connection, 'stalled');
        else if (connection.unread.since + CHECK_MS <= now) {
          slow.push(connection);
          bytes += connection.unread.bytes;
        }
      }
    }
    // A single response may be longer than all should be: the metrics of many breakers.
    while (bytes > maxUnreadBytes && slow.length > 1) {
      const victim = largest(slow);
      slow.splice(slow.indexOf(victim), 1);
      bytes -= victim.unread.bytes;
      this.#cut(victim, 'unread');
    }
  }

  #cut(connection: Connection, limit: ConnectionLimit): void {
    this.#options.onCut(connection.address, limit);
    this.#remove(connection);
    connection.socket.destroy();
  }

  /** Moves a connection to the end of the idle ones after its request. */
  #idle(connection: Connection): void {
    const { key } = connection;
    connection.unread = undefined;
    if (this.#answering.delete(key) || this.#waiting.delete(key)) {
      if (!connection.socket.destroyed) this.#waiting.set(key, connection);
      else this.#forget(connection);
    }
  }

  #remove(connection: Connection): void {
    const { key } = connection;
    if (this.#waiting.get(key) !== connection && this.#answering.get(key) !== connection) return;
    this.#waiting.delete(key);
    this.#answering.delete(key);
    this.#forget(connection);
  }

  #forget({ address }: Connection): void {
    const left = (this.#addresses.get(address) ?? 0) - 1;
    if (left > 0) this.#addresses.set(address, left);
    else this.#addresses.delete(address);
  }
}

/** The key of a connection. The two sockets of a TLS connection have the same address and port. */
const keyOf = ({ remoteAddress, remotePort, localPort }: Pick<Socket, 'remoteAddress' | 'remotePort' | 'localPort'>) =>
  `${remoteAddress} ${remotePort} ${localPort}`;

/** What the reader of a connection has not taken; absent: it has taken everything. */
function unreadOf({ response, unread }: Connection, now: number): Unread | undefined {
  const bytes = response?.writableLength ?? 0;
  if (bytes === 0) return undefined;
  const due = unread !== undefined && bytes >= unread.bytes ? unread.due : now + bytes / MIN_RATE;
  return { bytes, since: unread?.since ?? now, due };
}

const hasUnread = (connection: Connection): connection is Connection & { unread: Unread } =>
  connection.unread !== undefined;

/** The response with the most unread bytes, of the address with the most of them. */
function largest(slow: readonly (Connection & { unread: Unread })[]): Connection & { unread: Unread } {
  const ofAddress = new Map<string, number>();
  for (const { address, unread } of slow) ofAddress.set(address, (ofAddress.get(address) ?? 0) + unread.bytes);
  return slow.reduce((most, one) => {
    const more = ofAddress.get(one.address)! - ofAddress.get(most.address)! || one.unread.bytes - most.unread.bytes;
    return more > 0 ? one : most;
  });
}
