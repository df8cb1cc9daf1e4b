import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Address {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

/** A server that listens. */
export interface Listening {
  readonly url: string;
  /** Takes no more connections; resolves when the last one is closed. */
  close(): Promise<void>;
  /** Ends every connection now. */
  cut(): void;
}

/** Longer than the time between two reports, so that an agent keeps its connection for them. */
const KEEP_ALIVE_MS = 15_000;

/**
 * Listens with the bounds that every server of the operator has: 10 s for the headers of a request, 30 s for all of it.
 *
 * @throws when the address cannot be listened on; the message says which and what to do.
 */
export async function listen(
  app: RequestListener,
  { host, port }: Address,
  { what, flag, maxConnections }: { what: string; flag: string; maxConnections: number },
): Promise<Listening> {
  const server = createServer(
    {
      keepAliveTimeout: KEEP_ALIVE_MS,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 5_000,
    },
    app,
  );
  server.maxConnections = maxConnections;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} on ${host} is taken; end what uses it or choose another with ${flag}`
          : `${error.message}; choose another with ${flag}`;
      reject(new Error(`cannot listen for ${what}: ${why}`));
    });
    server.listen(port, host, resolve);
  });
  return listening(server);
}

function listening(server: Server): Listening {
  const { address, port, family } = server.address() as AddressInfo;
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeIdleConnections();
      }),
    cut: () => server.closeAllConnections(),
  };
}
