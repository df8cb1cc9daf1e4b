import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { peerAddress } from './peer-address.ts';

export interface ConnectionsOptions {
  readonly max: number;
  /** Called when a limit closed a connection: that of all connections, or that of one address. */
  readonly onCut: (address: string, limit: 'all' | 'address') => void;
}

/** The share of the connections that one address can have. */
const ADDRESS_SHARE = 0.5;

interface Connection {
  readonly key: string;
  readonly socket: Socket;
  readonly address: string;
  response?: ServerResponse;
}

/**
 * Number of oldest idle connections to compare at the limit. Of these, one from the address with the most connections
 * is closed.
 */
const CANDIDATES = 32;

/**
 * Limits the connections of a server, in total and of one address. At a limit, a new connection replaces an old idle
 * one, which has no request or a finished response. A connection with a running response is never closed. So a client
 * with many idle connections does not exclude others, and no client can hold all connections.
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
      connection.response = response;
      response.on('close', () => this.#idle(connection));
    });
  }

  get count(): number {
    return this.#waiting.size + this.#answering.size;
  }

  #add(socket: Socket): void {
    const { max, onCut } = this.#options;
    const address = peerAddress(socket);
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

  /** Moves a connection to the end of the idle ones after its request. */
  #idle(connection: Connection): void {
    const { key } = connection;
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
