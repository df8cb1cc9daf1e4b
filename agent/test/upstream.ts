import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A server on 127.0.0.1 that answers with the status in the path: `/503`. It never answers `/hang`, and cuts `/cut`
 * off.
 */
export interface Upstream {
  readonly url: string;
  readonly host: string;
  /** Method, path and body of each request, in order. */
  readonly requests: string[];
  /** Requests that were given up before they were answered. */
  aborted: number;
  stop(): Promise<void>;
}

export async function startUpstream(): Promise<Upstream> {
  const requests: string[] = [];
  const upstream = { aborted: 0 };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    let body = '';
    request.on('data', (chunk) => (body += chunk));
    request.on('end', () => {
      requests.push(`${request.method} ${request.url} ${body}`.trim());
      response.on('close', () => {
        if (!response.writableEnded) upstream.aborted++;
      });
      if (request.url === '/hang') return;
      if (request.url === '/cut') request.socket.destroy();
      else response.writeHead(Number(request.url!.slice(1)), { 'Retry-After': '7' }).end(`answer of ${request.url}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return Object.assign(upstream, {
    url: `http://${host}`,
    host,
    requests,
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
