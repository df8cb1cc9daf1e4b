import { once } from 'node:events';
import { createServer, get, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { expect, it, jest } from '@jest/globals';
import { discard, discardResponseOf, isResponse } from './response.ts';

const headers = { get: () => null };

it.each<[string, (cancelled: () => void) => object]>([
  ['a Response', (cancel) => new Response(new ReadableStream({ cancel }), { status: 503 })],
  ['a result of undici.request', (dump) => ({ statusCode: 503, headers: {}, body: { dump } })],
  ['a stream of axios', (destroy) => ({ status: 503, headers, data: { pipe() {}, destroy } })],
  ['a message of node:http', (destroy) => ({ statusCode: 503, headers: {}, pipe() {}, destroy })],
])('throws the body of %s away, returned or in an error', (_, response) => {
  const cancelled = jest.fn();
  expect(isResponse(response(cancelled))).toBe(true);
  discard(response(cancelled));
  expect(cancelled).toHaveBeenCalledTimes(1);
  discardResponseOf(Object.assign(new Error('503'), { response: response(cancelled) }));
  expect(cancelled).toHaveBeenCalledTimes(2);
});

it('leaves alone what is no response, has no body, or cannot be looked at', () => {
  const destroy = jest.fn();
  discard({ data: { pipe() {}, destroy } });
  discard({ status: 200, headers, data: { destroy: 'a field of the answer' } });
  discard({ status: 200, headers, body: null });
  discardResponseOf(undefined);
  discardResponseOf(
    Object.defineProperty({}, 'response', {
      get() {
        throw new Error('do not look');
      },
    }),
  );
  expect(destroy).not.toHaveBeenCalled();
});

it('raises nothing when a stream cannot be destroyed in peace', async () => {
  const data = new PassThrough({ destroy: (_error, done) => done(new Error('in use')) });
  discard({ status: 503, headers, data });
  await new Promise((resolve) => data.once('close', resolve));
  const body = Object.assign(Readable.from(['a']), { dump: () => Promise.reject(new Error('in use')) });
  discard({ statusCode: 503, headers: {}, body });
  await new Promise(setImmediate);
});

it('gives the connection of a real message back', async () => {
  const server = createServer((_request, response) => response.writeHead(503).write('half')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const request = get(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [message] = (await once(request, 'response')) as [IncomingMessage];
  const closed = once(message.socket, 'close');
  discard(message);
  await closed;
  server.close();
  server.closeAllConnections();
});
