import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { collectInto } from '@fuseboard/agent/prom-client';
import { Registry } from 'prom-client';

export interface MetricsServer {
  readonly port: number;
  close(): void;
}

/** Serves the metrics of the agent in this process, as an application does. */
export async function serveMetrics(): Promise<MetricsServer> {
  const register = new Registry();
  collectInto(register);
  const server = createServer((_request, response) => {
    register.metrics().then((text) => response.setHeader('content-type', register.contentType).end(text));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as AddressInfo).port, close: () => server.close() };
}
