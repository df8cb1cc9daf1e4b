import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { until } from '../../test/until.ts';
import { Connections } from './connections.ts';

let server: Server;
let port: number;
let cut: string[];
let cutBy: string[];
let sockets: Socket[];
let connections: Connections;
let now: number;
let maxUnreadBytes: number;

/** More than the kernel takes for a connection whose other side reads nothing. */
const LARGE = 16 * 1024 * 1024;

beforeEach(async () => {
  cut = [];
  cutBy = [];
  sockets = [];
  server = createServer((request, response) => {
    if (request.url === '/stream') response.writeHead(200).write('begin\n');
    else if (request.url === '/large') response.end('x'.repeat(LARGE));
    else response.end('ok\n');
  });
  now = 0;
  maxUnreadBytes = 3 * LARGE;
  connections = new Connections({
    max: 4,
    stallMs: 300,
    get maxUnreadBytes() {
      return maxUnreadBytes;
    },
    clock: { now: () => now },
    onCut: (address, limit) => {
      cut.push(address);
      cutBy.push(limit);
    },
  });
  connections.watch(server);
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

/** Asks for a large response and reads nothing of it. */
async function openUnread(localAddress: string): Promise<Socket> {
  const socket = await openConnection('', false, localAddress);
  socket.pause();
  socket.write(ask('/large'));
  await new Promise((resolve) => server.once('request', resolve));
  return socket;
}

it('cuts a response that nobody reads, and none that is read', async () => {
  const [unread, stream] = [await openUnread('127.0.0.1'), await openConnection(ask('/stream'))];
  const advanced = setInterval(() => {
    now += 60_000;
  }, 5);
  await until(() => connections.count === 1).finally(() => clearInterval(advanced));
  await ended(unread.resume());
  expect([cut, cutBy, stream.destroyed]).toEqual([['127.0.0.1'], ['stalled'], false]);
});

it('cuts the longest unread response of the address with the most, while all together are too long', async () => {
  const other = await openUnread('127.0.0.2');
  await openUnread('127.0.0.1');
  await openUnread('127.0.0.1');
  expect(cut).toEqual([]);
  await openUnread('127.0.0.3');
  await until(() => {
    now += 1_000;
    return cut.length > 0;
  });
  expect([cut, cutBy]).toEqual([['127.0.0.1'], ['unread']]);
  expect(other.destroyed).toBe(false);
});

it('leaves a single response that is longer than all should be to its reader', async () => {
  maxUnreadBytes = LARGE / 2;
  await openUnread('127.0.0.1');
  const other = await openConnection(ask('/livez'));
  // Each request is a check.
  for (let check = 0; check < 3; check += 1) {
    now += 1_000;
    other.write(ask('/livez'));
    await new Promise((resolve) => other.once('data', resolve));
  }
  expect(cut).toEqual([]);
  await openUnread('127.0.0.2');
  await until(() => {
    now += 1_000;
    return cut.length > 0;
  });
  expect([cut.length, cutBy]).toEqual([1, ['unread']]);
});

it('takes a long response for read while its reader takes it', async () => {
  const socket = await openUnread('127.0.0.1');
  let received = 0;
  socket.on('data', (part: Buffer) => {
    received += part.length;
    now += 1;
  });
  socket.resume();
  await until(() => received >= LARGE);
  expect(cut).toEqual([]);
});

it('keeps no place for a connection that was closed before it was accepted', async () => {
  const resets = Array.from({ length: 20 }, async () => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.4' }).on('error', () => {});
    socket.once('connect', () => socket.resetAndDestroy());
    await ended(socket);
  });
  await Promise.all(resets);
  await until(() => connections.count === 0);
  const held = [await openConnection('GET', false), await openConnection('GET', false)];
  expect([held.map(({ destroyed }) => destroyed), cut]).toEqual([[false, false], []]);
});
