import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

const WATCH_MS = 100;
const GRACE_MS = 1_000;

export type Sockets = HttpAgent | HttpsAgent;

/** At most one socket, kept between requests; it never keeps the process alive. */
export function oneSocket(url: URL): Sockets {
  const options = { keepAlive: true, maxSockets: 1 };
  return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
}

export interface Connection {
  readonly method: 'GET' | 'POST';
  /** The host name for which the certificate must be valid, whatever the address of the connection. */
  readonly operatorUrl: URL;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly ca?: Buffer;
  /** Absent: a socket of its own. */
  readonly sockets?: Sockets;
}

/** The connection was given up because nothing else kept the process alive. */
export class ProcessIdle extends Error {}

/** Begins an HTTP request that neither keeps the process alive nor delays its exit. The caller listens to `error`. */
export function open(url: URL, connection: Connection, answered: (response: IncomingMessage) => void): ClientRequest {
  const name = hostname(connection.operatorUrl);
  const options: RequestOptions & { servername?: string } = {
    method: connection.method,
    headers: connection.headers,
    agent: connection.sockets ?? false,
  };
  const request =
    url.protocol === 'https:'
      ? httpsRequest(
          url,
          {
            ...options,
            ...(connection.ca ? { ca: connection.ca } : {}),
            servername: isIP(name) ? '' : name,
            checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
              checkServerIdentity(name, certificate),
          },
          answered,
        )
      : httpRequest(url, options, answered);
  request.on('socket', (socket) => {
    socket.unref();
    if (socket.connecting) destroyWhenIdle(request);
  });
  return request;
}

/** The name or address in a URL, without the brackets of IPv6. */
export function hostname(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * A connection that is being made keeps a process alive even when its socket is unreferenced. Gives it up as soon as
 * nothing else is left to do. Pipes and terminals do not tell whether somebody waits for them, so with one of those the
 * connection has a second.
 */
function destroyWhenIdle(request: ClientRequest): void {
  const began = performance.now();
  const watch = setInterval(() => {
    const otherResources = process.getActiveResourcesInfo().filter((name) => !/^(TCP)?ConnectWrap$/.test(name));
    const mustWait = otherResources.some((name) => !/^(Pipe|TTY)Wrap$/.test(name));
    if (mustWait || (otherResources.length > 0 && performance.now() - began < GRACE_MS)) return;
    clearInterval(watch);
    request.destroy(new ProcessIdle());
  }, WATCH_MS).unref();
  const done = () => clearInterval(watch);
  request.once('close', done);
  request.once('socket', (socket) => socket.once('connect', done));
  request.socket?.once('connect', done);
}
