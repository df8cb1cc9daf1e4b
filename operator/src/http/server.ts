import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import type { Address } from '../config/listen.ts';
import type { Certificate } from './certificate.ts';
import { Connections } from './connections.ts';

/** A server that listens. */
export interface Listening {
  readonly url: string;
  /**
   * Answers as before and says with each answer that the connection ends, so that clients open the next one elsewhere.
   */
  drain(): void;
  /** Takes no more connections; resolves when the last one is closed. */
  close(): Promise<void>;
  /** Ends every connection now. */
  cut(): void;
  /**
   * Connections from now on prove themselves with this certificate; those that are open stay. Nothing over plain HTTP.
   */
  renew(certificate: Certificate): void;
}

/** Longer than the time between two reports, so that an agent keeps its connection for them. */
const KEEP_ALIVE_MS = 15_000;

export interface Bounds {
  readonly what: string;
  readonly flag: string;
  readonly maxConnections: number;
  /**
   * False: each answer ends its connection, so that a client that keeps connections does not ask a replica that has
   * gone. Absent: true.
   */
  readonly keepAlive?: boolean;
  /** Called when a connection was closed because of the limit. Absent: it is not counted. */
  readonly onCut?: (address: string) => void;
  /** Absent: plain HTTP. */
  readonly certificate?: Certificate | undefined;
}

/**
 * Listens with the bounds that every server of the operator has: 10 s for the headers of a request, 30 s for all of it.
 *
 * @throws when the address cannot be listened on; the message says which and what to do.
 */
export async function listen(
  app: RequestListener,
  { host, port }: Address,
  { what, flag, maxConnections, onCut = () => {}, keepAlive = true, certificate }: Bounds,
): Promise<Listening> {
  const times = {
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: 10_000,
    requestTimeout: 30_000,
    connectionsCheckingInterval: 5_000,
  };
  const { cert, key } = certificate ?? {};
  const server = certificate
    ? createTlsServer({ ...times, cert, key, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 }, app)
    : createServer(times, app);
  new Connections({ max: maxConnections, onCut }).watch(server);
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

/** `::` takes connections of IPv4 too; a machine without IPv6 has only `0.0.0.0` for that. */
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

/** Says with each answer from now on that the connection ends. */
function endConnections(server: Server | TlsServer): void {
  server.prependListener('request', (_request, response) => {
    response.shouldKeepAlive = false;
  });
}

function listening(server: Server | TlsServer, secure: boolean): Listening {
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http${secure ? 's' : ''}://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    drain: () => endConnections(server),
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
