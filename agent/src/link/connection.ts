import type { ClientRequest, IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';

const WATCH_MS = 100;
const GRACE_MS = 1_000;
/** Each provisional answer costs time of the process, and no deadline of the connection ends them. */
const MAX_PROVISIONAL = 20;

export type Sockets = HttpAgent | HttpsAgent;

/** Creates a pool of at most one socket, which is kept between requests and does not keep the process alive. */
export function oneSocket(url: URL): Sockets {
  const options = { keepAlive: true, maxSockets: 1 };
  return url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
}

export interface Connection {
  readonly method: 'GET' | 'POST';
  /** The certificate must be valid for this host name, whatever the address of the connection. */
  readonly operatorUrl: URL;
  readonly headers: Readonly<Record<string, string | number>>;
  readonly ca?: Buffer;
  /** Socket pool; absent: a separate socket. */
  readonly sockets?: Sockets;
}

/** The connection was abandoned because nothing else kept the process alive. */
export class ProcessIdle extends Error {}

/** Starts an HTTP request that does not keep the process alive. The caller must listen to `error`. */
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
  let provisional = 0;
  request.on('information', () => {
    provisional += 1;
    if (provisional > MAX_PROVISIONAL) request.destroy(new Error('it sends provisional answers (1xx) without end'));
  });
  request.on('socket', (socket) => {
    socket.unref();
    if (socket.connecting) destroyWhenIdle(request);
  });
  return request;
}

/** The host name or address in a URL, without the brackets of IPv6. */
export function hostname(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, '');
}

/**
 * Destroys a pending connection as soon as the process has nothing else to do, because a pending connection keeps the
 * process alive even when its socket is unreferenced. An open pipe or terminal may be idle or in use, so it delays this
 * by one second.
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
