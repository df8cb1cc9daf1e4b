import { once } from 'node:events';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import express from 'express';
import { until } from '../../test/until.ts';
import { LimitLog } from '../core/limits/limit-log.ts';
import { Bodies, hasMoreValues, parseBody } from './body.ts';
import { answerProblems } from './problem.ts';

const MIB = 1024 * 1024;
const TOTAL = 16;

let server: ReturnType<ReturnType<typeof express>['listen']>;
let limits: LimitLog;
let bodies: Bodies;
let read: number[];
const sockets: Socket[] = [];

beforeEach(async () => {
  limits = new LimitLog();
  read = [];
  const retryAfterMs = () => 1_000;
  bodies = new Bodies({
    maxBytes: 4 * MIB,
    totalMiB: TOTAL,
    namespaceShare: 1,
    reason: 'review-bytes',
    limits,
    retryAfterMs,
  });
  const app = express();
  app.post('/', async (request, response) => {
    bodies.check(request);
    const body = await bodies.read(request, response, { namespace: request.socket.remoteAddress! });
    read.push(body.length);
    response.json({ length: body.length, same: body.equals(numbered(body.length)) });
  });
  app.use(answerProblems(() => {}));
  server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const PATTERN = Buffer.from(Array.from({ length: 251 }, (_, at) => at));
const numbered = (length: number) => Buffer.alloc(length, PATTERN);

/** Begins a request from an address; resolves when its head was sent. */
async function begin(localAddress: string, head: string): Promise<Socket & { text: string }> {
  const { port } = server.address() as AddressInfo;
  const socket = Object.assign(connect({ port, host: '127.0.0.1', localAddress }), { text: '' });
  sockets.push(socket);
  socket
    .on('error', () => {})
    .on('data', (part) => {
      socket.text += part;
    });
  await once(socket, 'connect');
  socket.write(`POST / HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n${head}\r\n\r\n`);
  return socket;
}

const statusOf = async (socket: { readonly text: string }) => {
  await until(() => socket.text.includes('\r\n\r\n'));
  return Number(socket.text.split(' ')[1]);
};

it.each([0, 1, 4_096, 4_097, 100_000, 3 * MIB])('reads a body of %i bytes as it is', async (length) => {
  const socket = await begin('127.0.0.1', `content-length: ${length}`);
  socket.write(numbered(length));
  await until(() => socket.text.endsWith('}'));
  expect(socket.text).toContain(`{"length":${length},"same":true}`);
});

it('reads a body of small chunks as it is', async () => {
  const socket = await begin('127.0.0.1', 'transfer-encoding: chunked');
  const chunks = [...numbered(9_000)].map((byte) => Buffer.from([0x31, 13, 10, byte, 13, 10]));
  socket.write(Buffer.concat([...chunks, Buffer.from('0\r\n\r\n')]));
  await until(() => socket.text.endsWith('}'));
  expect(socket.text).toContain('{"length":9000,"same":true}');
});

it('gives a source of unfinished bodies half of the room, and others theirs', async () => {
  const unfinished = await Promise.all(
    Array.from({ length: 12 }, () => begin('127.0.0.2', `content-length: ${4 * MIB}`)),
  );
  for (const socket of unfinished) socket.write(Buffer.alloc(4 * MIB - 1));
  await until(() => limits.cut['review-bytes'] > 0);
  const refused = await Promise.race(
    unfinished.map(async (socket) => ((await statusOf(socket)) === 503 ? socket : never())),
  );
  expect(refused.text).toMatch(/connection: close/i);
  const good = await begin('127.0.0.3', `content-length: ${3 * MIB}`);
  good.write(Buffer.alloc(3 * MIB));
  expect(await statusOf(good)).toBe(200);
});

it('has its room again when unfinished bodies end', async () => {
  for (let round = 0; round < 10; round += 1) {
    const before = read.length;
    const socket = await begin('127.0.0.2', `content-length: ${4 * MIB}`);
    socket.write(Buffer.alloc(4 * MIB - 1));
    socket.end();
    await once(socket, 'close');
    expect(read).toHaveLength(before);
  }
  const good = await begin('127.0.0.2', `content-length: ${4 * MIB}`);
  good.write(Buffer.alloc(4 * MIB));
  expect([await statusOf(good), limits.cut['review-bytes']]).toEqual([200, 0]);
});

it.each([
  ['one that is announced as too long', 'content-length: 5000000', 413],
  ['one without an end', 'transfer-encoding: chunked', 413],
  ['one that is compressed', 'content-encoding: gzip\r\ncontent-length: 3', 415],
])('refuses %s', async (_what, head, status) => {
  const socket = await begin('127.0.0.1', head);
  socket.write(Buffer.from(`4c4b41\r\n`));
  if (head.includes('chunked')) socket.write(Buffer.alloc(4_999_999));
  expect(await statusOf(socket)).toBe(status);
});

it('counts the values of a body without parsing it', () => {
  const text = (values: number) => Buffer.from(JSON.stringify([...Array(values - 2).keys(), 'a,[{\\"']));
  expect([100, 101, 102].map((values) => hasMoreValues(text(values), 101))).toEqual([false, false, true]);
  expect(hasMoreValues(Buffer.from('['.repeat(102)), 101)).toBe(true);
  expect(hasMoreValues(Buffer.from(JSON.stringify([{ a: { b: {} } }, []]).padEnd(100)), 7)).toBe(false);
});

it('says of what is no JSON that it is none', () => {
  expect(parseBody(Buffer.from('[1]'))).toEqual([1]);
  expect(() => parseBody(Buffer.from('{"a"'))).toThrow('the body: must be JSON');
});

const never = () => new Promise<never>(() => {});
