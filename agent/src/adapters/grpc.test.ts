import type { PolicySpec } from '@fuseboard/schema/types';
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  type sendUnaryData,
  status,
} from '@grpc/grpc-js';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import type { Breaker } from '../breakers/breaker.ts';
import { CircuitOpenError, getBreaker, isFuseboardError } from '../index.ts';
import { createBreaker } from '../testing/testing.ts';
import { type GrpcBreakerChoice, type GrpcOptions, grpcInterceptor } from './grpc.ts';

const encode = (value: string) => Buffer.from(value);
const decode = (bytes: Buffer) => bytes.toString();
const method = (name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> => ({
  path: `/shop.Payments/${name}`,
  requestStream,
  responseStream,
  requestSerialize: encode,
  requestDeserialize: decode,
  responseSerialize: encode,
  responseDeserialize: decode,
});
const METHODS = {
  Unary: method('Unary', false, false),
  Collect: method('Collect', true, false),
  List: method('List', false, true),
  Chat: method('Chat', true, true),
};

let server: Server;
let address: string;
const clients: Client[] = [];
/** What reached the server: `message` of unary calls. */
const received: string[] = [];
let cancelledCalls = 0;

const failure = (text: string) => ({ code: Number(text), details: `as asked: ${text}` });

beforeAll(async () => {
  server = new Server();
  server.addService(METHODS, {
    Unary(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) {
      received.push(call.request);
      call.on('cancelled', () => {
        cancelledCalls += 1;
      });
      if (call.request === 'hang') return;
      if (call.request === 'pushback') {
        const metadata = new Metadata();
        metadata.set('grpc-retry-pushback-ms', '70000');
        done({ ...failure('14'), metadata });
      } else if (/^\d+$/.test(call.request)) done(failure(call.request));
      else done(null, `answer to ${call.request} of ${call.metadata.get('who')[0] ?? 'nobody'}`);
    },
    Collect(call: ServerReadableStream<string, string>, done: sendUnaryData<string>) {
      const parts: string[] = [];
      call.on('data', (part: string) => parts.push(part));
      call.on('end', () => (parts[0] === '14' ? done(failure('14')) : done(null, parts.join('+'))));
    },
    List(call: ServerWritableStream<string, string>) {
      call.on('cancelled', () => {
        cancelledCalls += 1;
      });
      if (/^\d+$/.test(call.request)) call.emit('error', failure(call.request));
      else if (call.request === 'hang') return;
      else if (call.request === 'headers') call.sendMetadata(new Metadata());
      else {
        for (const part of ['a', 'b', 'c']) call.write(part);
        if (call.request === 'cut') call.emit('error', failure('14'));
        else call.end();
      }
    },
    Chat(call: ServerDuplexStream<string, string>) {
      call.on('data', (part: string) => call.write(part.toUpperCase()));
      call.on('end', () => call.end());
    },
  });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
  address = `127.0.0.1:${port}`;
});
afterAll(() => {
  for (const client of clients) client.close();
  server.forceShutdown();
});

function clientOf(choice: GrpcBreakerChoice, options?: GrpcOptions, target = address): Client {
  const client = new Client(target, credentials.createInsecure(), { interceptors: [grpcInterceptor(choice, options)] });
  clients.push(client);
  return client;
}

/** A unary call: its answer, or its error. */
function unary(client: Client, message: string, deadlineMs?: number): Promise<string | ServiceError> {
  const metadata = new Metadata();
  metadata.set('who', 'me');
  const deadline = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
  return new Promise((resolve) =>
    client.makeUnaryRequest(METHODS.Unary.path, encode, decode, message, metadata, deadline, (error, value) =>
      resolve(error ?? value!),
    ),
  );
}

/** A call with a stream of responses: what came, and its last status. */
async function list(client: Client, message: string): Promise<[string[], number]> {
  const call = client.makeServerStreamRequest(METHODS.List.path, encode, decode, message);
  const parts: string[] = [];
  call.on('data', (part: string) => parts.push(part));
  call.on('error', () => {});
  return new Promise((resolve) => call.on('status', ({ code }) => resolve([parts, code])));
}

const totals = (breaker: Breaker) => {
  const { succeeded, failed, ignored, rejected, timedOut } = breaker.stats().totals;
  return { succeeded, failed, ignored, rejected, timedOut };
};
const NONE = { succeeded: 0, failed: 0, ignored: 0, rejected: 0, timedOut: 0 };
const TRIP: Partial<PolicySpec> = { trip: { consecutiveFailures: 1 } };

describe('a unary call', () => {
  it('gives the answer of the server, with metadata both ways', async () => {
    const breaker = createBreaker({});
    expect(await unary(clientOf(breaker), 'hello')).toBe('answer to hello of me');
    expect(totals(breaker)).toEqual({ ...NONE, succeeded: 1 });
  });

  it('fails with the error of the library, and opens the circuit, which answers UNAVAILABLE without the server', async () => {
    const breaker = createBreaker(TRIP);
    const client = clientOf(breaker);
    const failed = (await unary(client, '14')) as ServiceError;
    expect(failed).toMatchObject({ code: status.UNAVAILABLE, details: 'as asked: 14' });
    expect(isFuseboardError(failed)).toBe(false);
    expect(breaker.stats().lastError).toEqual({ name: 'ServiceError', message: '14 UNAVAILABLE: as asked: 14' });
    const before = received.length;
    const rejected = (await unary(client, 'hello')) as ServiceError;
    expect(rejected).toMatchObject({ code: status.UNAVAILABLE, details: expect.stringContaining('is open') });
    expect(rejected.message).toMatch(/^14 UNAVAILABLE: breaker/);
    expect(rejected.metadata.getMap()).toEqual({});
    expect(isFuseboardError(rejected, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect((rejected as { cause?: unknown }).cause).toBeInstanceOf(CircuitOpenError);
    expect(received).toHaveLength(before);
    expect(totals(breaker)).toEqual({ ...NONE, failed: 1, rejected: 1 });
  });

  it.each([
    [status.UNKNOWN, 'failed'],
    [status.INVALID_ARGUMENT, 'succeeded'],
    [status.DEADLINE_EXCEEDED, 'failed'],
    [status.NOT_FOUND, 'succeeded'],
    [status.ALREADY_EXISTS, 'succeeded'],
    [status.PERMISSION_DENIED, 'succeeded'],
    [status.RESOURCE_EXHAUSTED, 'succeeded'],
    [status.FAILED_PRECONDITION, 'succeeded'],
    [status.ABORTED, 'succeeded'],
    [status.OUT_OF_RANGE, 'succeeded'],
    [status.UNIMPLEMENTED, 'failed'],
    [status.INTERNAL, 'failed'],
    [status.UNAVAILABLE, 'failed'],
    [status.DATA_LOSS, 'failed'],
    [status.UNAUTHENTICATED, 'succeeded'],
    [status.CANCELLED, 'failed'],
  ])('with status %i counts as %s', async (code, counted) => {
    const breaker = createBreaker({});
    expect(await unary(clientOf(breaker), String(code))).toMatchObject({ code });
    expect(totals(breaker)).toEqual({ ...NONE, [counted]: 1 });
  });

  it.each([
    ['a number', { failure: { errorCodes: ['14'] } }, '14', 'failed'],
    ['a name', { failure: { errorCodes: ['UNAVAILABLE'] } }, '14', 'failed'],
    ['another name', { failure: { errorCodes: ['UNAVAILABLE'] } }, '13', 'succeeded'],
    ['the HTTP status', { failure: { httpStatus: ['429'] } }, '8', 'failed'],
    ['a name to ignore', { ignore: { errorCodes: ['DATA_LOSS'] } }, '15', 'ignored'],
  ])('is classified by %s', async (_by, classify, message, counted) => {
    const breaker = createBreaker({ classify });
    await unary(clientOf(breaker), message);
    expect(totals(breaker)).toEqual({ ...NONE, [counted]: 1 });
  });

  it('whose deadline passes has failed and timed out', async () => {
    const breaker = createBreaker(TRIP);
    const error = (await unary(clientOf(breaker), 'hang', 60)) as ServiceError;
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error.details).toMatch(/^Deadline exceeded/);
    expect(totals(breaker)).toEqual({ ...NONE, failed: 1, timedOut: 1 });
    expect(breaker.state).toBe('open');
  });

  it('that the caller cancels is ignored, and cancelled at the server', async () => {
    const breaker = createBreaker(TRIP);
    const client = clientOf(breaker);
    const before = [received.length, cancelledCalls];
    const ended = new Promise<ServiceError | null>((resolve) => {
      const call = client.makeUnaryRequest(METHODS.Unary.path, encode, decode, 'hang', resolve);
      void eventually(() => received.length > before[0]!).then(() => call.cancel());
    });
    expect(await ended).toMatchObject({ code: status.CANCELLED, details: 'Cancelled on client' });
    expect(totals(breaker)).toEqual({ ...NONE, ignored: 1 });
    await eventually(() => cancelledCalls > before[1]!);
  });

  it('is given up after the time of the policy, at the server too', async () => {
    const breaker = createBreaker({ timeout: { duration: '50ms' } });
    const before = cancelledCalls;
    const error = (await unary(clientOf(breaker), 'hang')) as ServiceError;
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(isFuseboardError(error, 'ERR_FUSEBOARD_TIMEOUT')).toBe(true);
    expect(totals(breaker)).toEqual({ ...NONE, failed: 1, timedOut: 1 });
    await eventually(() => cancelledCalls > before);
  });

  it('to nobody fails', async () => {
    const breaker = createBreaker(TRIP);
    const closed = await new Promise<string>((resolve) => {
      const other = new Server();
      other.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (_error, port) => {
        other.forceShutdown();
        resolve(`127.0.0.1:${port}`);
      });
    });
    expect(await unary(clientOf(breaker, undefined, closed), 'hello')).toMatchObject({ code: status.UNAVAILABLE });
    expect(breaker.state).toBe('open');
  });

  it('waits for its turn no longer than its deadline', async () => {
    const breaker = createBreaker({ concurrency: { maxConcurrent: 1, maxQueue: 1, queueTimeout: '30s' } });
    const client = clientOf(breaker);
    const first = unary(client, 'hang', 400);
    const second = (await unary(client, 'hello', 40)) as ServiceError;
    expect(second).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(((await first) as ServiceError).code).toBe(status.DEADLINE_EXCEEDED);
    expect(await unary(client, 'after')).toBe('answer to after of me');
  });

  it('beyond the limit of concurrent calls is UNAVAILABLE', async () => {
    const client = clientOf(createBreaker({ concurrency: { maxConcurrent: 1 } }));
    const first = unary(client, 'hang', 80);
    const second = await unary(client, 'hello');
    expect(second).toMatchObject({ code: status.UNAVAILABLE });
    expect(isFuseboardError(second, 'ERR_FUSEBOARD_LIMITED')).toBe(true);
    await first;
  });
});

describe('retries', () => {
  const RETRY: Partial<PolicySpec> = {
    retry: { maxAttempts: 3, backoff: { initial: '1ms', max: '2ms' }, minPerSecond: 100 },
  };

  it.each<[string, GrpcOptions | undefined, number]>([
    ['never by default', undefined, 1],
    ['never', { retry: 'never' }, 1],
    ['always', { retry: 'always' }, 3],
    ['for methods that the code names', { retry: ({ method }) => method === 'Unary' }, 3],
    ['for no other method', { retry: ({ service }) => service !== 'shop.Payments' }, 1],
  ])('are made %s', async (_when, options, attempts) => {
    const breaker = createBreaker(RETRY);
    const before = received.length;
    expect(await unary(clientOf(breaker, options), '14')).toMatchObject({ code: 14, details: 'as asked: 14' });
    expect(received.slice(before)).toEqual(Array(attempts).fill('14'));
  });

  it('are not made of what an inner breaker rejected', async () => {
    const inner = createBreaker(TRIP);
    const outer = createBreaker(RETRY);
    const interceptors = [grpcInterceptor(outer, { retry: 'always' }), grpcInterceptor(inner)];
    const client = new Client(address, credentials.createInsecure(), { interceptors });
    clients.push(client);
    await unary(client, '14');
    const rejected = await unary(client, 'hello');
    expect(isFuseboardError(rejected, 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(outer.stats().totals.retried).toBe(1);
    expect(inner.stats().totals.rejected).toBe(2);
  });

  it('of the server that asks to stay away keep the circuit open as long as that', async () => {
    const breaker = createBreaker({ ...TRIP, recovery: { honorRetryAfter: true, maxOpenDuration: '10m' } });
    await unary(clientOf(breaker), 'pushback');
    expect(breaker.stats().retryAfterMs).toBeGreaterThan(60_000);
  });

  it('refuse a choice that is none', () => {
    expect(() => grpcInterceptor('payments', { retry: 'safe' as 'never' })).toThrow(TypeError);
    expect(() => grpcInterceptor(null as unknown as string)).toThrow(TypeError);
  });
});

describe('a stream of requests', () => {
  it('arrives in order, and has one outcome', async () => {
    const breaker = createBreaker(TRIP);
    const client = clientOf(breaker);
    const collect = (...parts: string[]) =>
      new Promise<string | ServiceError>((resolve) => {
        const call = client.makeClientStreamRequest(METHODS.Collect.path, encode, decode, (error, value) =>
          resolve(error ?? value!),
        );
        for (const part of parts) call.write(part);
        call.end();
      });
    expect(await collect('a', 'b', 'c')).toBe('a+b+c');
    expect(await collect('14')).toMatchObject({ code: status.UNAVAILABLE });
    expect(isFuseboardError(await collect('a'), 'ERR_FUSEBOARD_OPEN')).toBe(true);
    expect(totals(breaker)).toEqual({ ...NONE, succeeded: 1, failed: 1, rejected: 1 });
  });
});

describe('a stream of responses', () => {
  it('arrives in order, and its rejection too', async () => {
    const breaker = createBreaker(TRIP);
    const client = clientOf(breaker);
    expect(await list(client, 'all')).toEqual([['a', 'b', 'c'], status.OK]);
    expect(await list(client, '14')).toEqual([[], status.UNAVAILABLE]);
    expect(await list(client, 'all')).toEqual([[], status.UNAVAILABLE]);
    expect(totals(breaker)).toEqual({ ...NONE, succeeded: 1, failed: 1, rejected: 1 });
  });

  it('has ended for the breaker with the first metadata, and lasts as long as it likes', async () => {
    const breaker = createBreaker({ timeout: { duration: '60ms' }, concurrency: { maxConcurrent: 1 } });
    const client = clientOf(breaker);
    const call = client.makeServerStreamRequest(METHODS.List.path, encode, decode, 'headers');
    const ended: number[] = [];
    call.on('error', () => {});
    call.on('status', ({ code }) => ended.push(code));
    await eventually(() => breaker.stats().totals.succeeded === 1);
    // The second is in the time limit of the policy, which the first has long exceeded.
    expect(await list(client, 'hang')).toEqual([[], status.DEADLINE_EXCEEDED]);
    expect(ended).toEqual([]);
    const before = cancelledCalls;
    call.cancel();
    await eventually(() => ended[0] === status.CANCELLED && cancelledCalls > before);
    expect(totals(breaker)).toEqual({ ...NONE, succeeded: 1, failed: 1, timedOut: 1 });
  });

  it('that breaks afterwards gives the caller what came, and its status', async () => {
    const breaker = createBreaker(TRIP);
    expect(await list(clientOf(breaker), 'cut')).toEqual([['a', 'b', 'c'], status.UNAVAILABLE]);
  });

  it('goes both ways at once', async () => {
    const breaker = createBreaker({});
    const call = clientOf(breaker).makeBidiStreamRequest(METHODS.Chat.path, encode, decode);
    const answers: string[] = [];
    const ended = new Promise<number>((resolve) => call.on('status', ({ code }) => resolve(code)));
    call.on('data', (part: string) => {
      answers.push(part);
      if (answers.length === 3) call.end();
      else call.write(`x${answers.length}`);
    });
    call.write('x0');
    expect(await ended).toBe(status.OK);
    expect(answers).toEqual(['X0', 'X1', 'X2']);
    expect(totals(breaker)).toEqual({ ...NONE, succeeded: 1 });
  });
});

describe('the breaker of a call', () => {
  it('is chosen by service and method', async () => {
    const asked: unknown[] = [];
    const client = clientOf((called) => {
      asked.push(called);
      return `grpc/${called.service}`;
    });
    expect(await unary(client, 'hello')).toBe('answer to hello of me');
    expect(asked).toEqual([{ service: 'shop.Payments', method: 'Unary' }]);
    expect(getBreaker('grpc/shop.Payments').stats().totals.succeeded).toBe(1);
  });
});
