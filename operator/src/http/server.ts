import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Address } from '../config/listen.ts';
import type { Clock } from '../core/clock.ts';
import { LIMITS } from '../core/limits/limits.ts';
import type { Certificate } from './certificate.ts';
import { Connections, type ConnectionsOptions } from './connections.ts';

/** A listening server. */
export interface Listening {
  readonly url: string;
  /**
   * Adds `connection: close` to all further responses, so that clients open their next connection to another replica.
   */
  drain(): void;
  /** Resolves when nobody has opened a connection for `quietMs`, or at the signal. */
  unused(quietMs: number, signal: AbortSignal): Promise<void>;
  /** Stops accepting connections; resolves when the last one is closed. */
  close(): Promise<void>;
  /** Closes every connection at once. */
  cut(): void;
  /** Sets the certificate for new connections; open ones stay. No effect with plain HTTP. */
  renew(certificate: Certificate): void;
}

/** Above the interval between two reports, so that an agent keeps its connection between them. */
const KEEP_ALIVE_MS = 15_000;

export interface Bounds {
  readonly what: string;
  readonly flag: string;
  readonly maxConnections: number;
  /**
   * False: each response closes its connection, so that a client with persistent connections does not use a replica
   * that is gone. Absent: true.
   */
  readonly keepAlive?: boolean;
  /** See `ConnectionsOptions`; absent: the limit of the table. */
  readonly stallMs?: number;
  /** See `ConnectionsOptions`. */
  readonly maxUnreadBytes?: number;
  /** Called when a limit closed a connection; absent: not counted. */
  readonly onCut?: ConnectionsOptions['onCut'];
  /** The monotonic clock. Absent: that of the process. */
  readonly clock?: Clock;
  /** Certificate for TLS; absent: plain HTTP. */
  readonly certificate?: Certificate | undefined;
}

/**
 * Starts a server with the operator's limits: 10 s for the headers of a request, and 30 s for the whole request.
 *
 * @throws when the address cannot be used; the message names the address and the fix.
 */
export async function listen(app: RequestListener, { host, port }: Address, bounds: Bounds): Promise<Listening> {
  const { what, flag, maxConnections, maxUnreadBytes, keepAlive = true, certificate } = bounds;
  const { onCut = () => {}, stallMs = LIMITS['unread-time'].value * 1_000, clock = performance } = bounds;
  const times = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
  };
  const { cert, key } = certificate ?? {};
  const server = certificate
    ? createTlsServer({ ...times, cert, key, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 }, oneAtATime(app))
    : createServer(times, oneAtATime(app));
  new Connections({ max: maxConnections, stallMs, maxUnreadBytes, onCut, clock }).watch(server);
  // Without a listener, an error of one response, such as a write after its end, would end the process.
  server.prependListener('request', (_request, response) => response.on('error', () => response.destroy()));
  if (!keepAlive) endConnections(server);
  const on = await addressOf(host);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken; end what uses it or choose another with ${flag}`
          : `${error.message}; choose another with ${flag}`;
      reject(new Error(`cannot listen for ${what}: ${why}`));
    });
    server.listen(port, on, resolve);
  });
  return listening(server, certificate !== undefined);
}

/**
 * Closes a connection on which a request arrives before the response to the previous one was sent. No client of the
 * operator sends requests so, and a few bytes of them would keep as many responses in memory.
 */
function oneAtATime(app: RequestListener): RequestListener {
  const answering = new WeakSet<Socket>();
  return (request, response) => {
    const { socket } = request;
    if (answering.has(socket)) {
      socket.destroy();
      return;
    }
    answering.add(socket);
    response.once('finish', () => answering.delete(socket));
    app(request, response);
  };
}

/** `::` also accepts IPv4 connections. A machine without IPv6 needs `0.0.0.0` instead. */
async function addressOf(host: string): Promise<string> {
  if (host !== '::') return host;
  const probe = createTcpServer();
  return new Promise((resolve) => {
    probe.once('error', (error: NodeJS.ErrnoException) => {
      resolve(['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code ?? '') ? '0.0.0.0' : host);
    });
    probe.listen(0, host, () => probe.close(() => resolve(host)));
  });
}

/** Closes each connection after its next response. */
function endConnections(server: Server | TlsServer): void {
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
}

function listening(server: Server | TlsServer, secure: boolean): Listening {
  const { address, port, family } = server.address() as AddressInfo;
  let lastOpened = Number.NEGATIVE_INFINITY;
  server.on('connection', () => {
    lastOpened = performance.now();
  });
  return {
    url: `http${secure ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    drain: () => endConnections(server),
    async unused(quietMs, signal) {
      while (!signal.aborted) {
        const leftMs = lastOpened + quietMs - performance.now();
        if (leftMs <= 0) return;
        // Rejects at the signal alone, which ends the loop.
        await delay(leftMs, undefined, { signal }).catch(() => {});
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
    renew({ cert, key }) {
      if ('setSecureContext' in server) server.setSecureContext({ cert, key, minVersion: 'TLSv1.2' });
    },
  };
}
