import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Connections } from './connections.ts';

let server: Server;
let port: number;
let cut: string[];
let sockets: Socket[];

beforeEach(async () => {
  cut = [];
  sockets = [];
  server = createServer((request, response) => {
    if (request.url === '/stream') response.writeHead(200).write('begin\n');
    else response.end('ok\n');
  });
  new Connections({ max: 4, onCut: (address) => void cut.push(address) }).watch(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/**
 * Connects, writes, and resolves with the first bytes of the response, or with the connection when no response is
 * expected.
 */
async function openConnection(text: string, answered = true): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(text);
  await new Promise((resolve) => socket.once(answered ? 'data' : 'connect', resolve));
  return socket;
}

const ended = (socket: Socket) => new Promise((resolve) => socket.on('close', resolve));
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

it('answers a probe while all places are held by connections without a request', async () => {
  const held = [];
  for (let i = 0; i < 4; i += 1) held.push(await openConnection('GET /livez HTTP/1.1\r\n', false));
  const first = ended(held[0]!);
  await openConnection(ask('/livez'));
  await first;
  expect(cut).toEqual(['127.0.0.1']);
});

it('answers a probe while all places are held by connections that are kept after an answer', async () => {
  for (let i = 0; i < 4; i += 1) await openConnection(ask('/livez'));
  await openConnection(ask('/livez'));
  expect(cut).toHaveLength(1);
});

it('closes no stream for a new connection, and the new one where all are streams', async () => {
  const streams = [];
  for (let i = 0; i < 3; i += 1) streams.push(await openConnection(ask('/stream')));
  await openConnection('GET', false);
  streams.push(await openConnection(ask('/stream')));
  expect(cut).toHaveLength(1);
  const refused = connect(port, '127.0.0.1');
  sockets.push(refused);
  refused.on('error', () => {});
  await ended(refused);
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
  expect(cut).toHaveLength(2);
});
