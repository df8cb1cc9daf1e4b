import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Connections } from './connections.ts';

let server: Server;
let port: number;
let cut: string[];
let cutBy: string[];
let sockets: Socket[];

beforeEach(async () => {
  cut = [];
  cutBy = [];
  sockets = [];
  server = createServer((request, response) => {
    if (request.url === '/stream') response.writeHead(200).write('begin\n');
    else response.end('ok\n');
  });
  new Connections({
    max: 4,
    onCut: (address, limit) => {
      cut.push(address);
      cutBy.push(limit);
    },
  }).watch(server);
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
async function openConnection(text: string, answered = true, localAddress = '127.0.0.3'): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', localAddress });
  sockets.push(socket);
  socket.on('error', () => {});
  socket.write(text);
  await new Promise((resolve) => socket.once(answered ? 'data' : 'connect', resolve));
  return socket;
}

/** Of four connections, two from each of two addresses. */
const addressOf = (i: number) => `127.0.0.${1 + (i % 2)}`;
const ended = (socket: Socket) => new Promise((resolve) => socket.on('close', resolve));
const ask = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;

it('answers a probe while all places are held by connections without a request', async () => {
  const held = [];
  for (let i = 0; i < 4; i += 1) held.push(await openConnection('GET /livez HTTP/1.1\r\n', false, addressOf(i)));
  const first = ended(held[0]!);
  await openConnection(ask('/livez'));
  await first;
  expect([cut, cutBy]).toEqual([['127.0.0.1'], ['all']]);
});

it('answers a probe while all places are held by connections that are kept after an answer', async () => {
  for (let i = 0; i < 4; i += 1) await openConnection(ask('/livez'), true, addressOf(i));
  await openConnection(ask('/livez'));
  expect(cut).toHaveLength(1);
});

it('closes no stream for a new connection, and the new one where all are streams', async () => {
  const streams = [];
  for (let i = 0; i < 3; i += 1) streams.push(await openConnection(ask('/stream'), true, addressOf(i)));
  await openConnection('GET', false);
  streams.push(await openConnection(ask('/stream'), true, addressOf(3)));
  expect(cut).toHaveLength(1);
  const refused = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.3' });
  sockets.push(refused);
  refused.on('error', () => {});
  await ended(refused);
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false, false, false]);
  expect(cut).toHaveLength(2);
});

it('gives one address at most half of the places, and closes its own oldest idle connection for a further one', async () => {
  const other = await openConnection('GET', false, '127.0.0.2');
  const held = [await openConnection('GET', false), await openConnection('GET', false)];
  const first = ended(held[0]!);
  await openConnection(ask('/livez'));
  await first;
  expect([cut, cutBy]).toEqual([['127.0.0.3'], ['address']]);
  expect([other, held[1]!].map(({ destroyed }) => destroyed)).toEqual([false, false]);
});

it('closes a new connection of an address that has half of the places, all with running responses', async () => {
  const streams = [await openConnection(ask('/stream')), await openConnection(ask('/stream'))];
  await ended(await openConnection('GET', false));
  expect(cutBy).toEqual(['address']);
  expect(streams.map(({ destroyed }) => destroyed)).toEqual([false, false]);
});
