import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { until } from '../../../test/until.ts';
import { KubeClient } from './client.ts';

/** A server that answers the first request of each connection, and resets the connection at the second one. */
let server: Server;
let sockets: Socket[];
/** Number of requests on each connection. */
let requests: Map<Socket, number>;
let answering: boolean;
let client: KubeClient;

const ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: keep-alive\r\n\r\n{}';

beforeEach(async () => {
  sockets = [];
  requests = new Map();
  answering = false;
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.on('data', () => {
      const count = (requests.get(socket) ?? 0) + 1;
      requests.set(socket, count);
      if (count > 1) socket.resetAndDestroy();
      else if (answering) socket.write(ANSWER);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const kubeConfig = new KubeConfig();
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  kubeConfig.loadFromClusterAndUser({ name: 'own', server: url, skipTLSVerify: true }, { name: 'operator' });
  client = new KubeClient(kubeConfig);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

const ask = () => client.request('/version', { keepAlive: true, timeoutMs: 5_000 });

it('sends a request whose kept connection was closed once more, over a new connection', async () => {
  const first = [ask(), ask(), ask()];
  await until(() => requests.size === 3);
  for (const socket of sockets) socket.write(ANSWER);
  await Promise.all(first);
  answering = true;
  await ask();
  expect([...requests.values()].sort()).toEqual([1, 1, 1, 2]);
});
