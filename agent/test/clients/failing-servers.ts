import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from 'node:net';
import { join } from 'node:path';
import { Server as GrpcServer, ServerCredentials, status } from '@grpc/grpc-js';

/** Ports on 127.0.0.1 that each fail in one way. */
export interface Ports {
  /** Nobody listens. */
  readonly refused: number;
  /** Every connection is reset at its first bytes. */
  readonly reset: number;
  /** Its certificate is of an authority that nobody trusts. */
  readonly tls: number;
  /** HTTP: `/500`, `/503` with Retry-After, `/cut` ends within its body, `/hang` never answers. */
  readonly http: number;
  /** Connections are accepted and never answered. */
  readonly hang: number;
  /** gRPC: /test.Test/200 answers, /500 is INTERNAL, /503 UNAVAILABLE. */
  readonly grpc: number;
}

export interface FailingServers extends Ports {
  stop(): Promise<void>;
}

const file = (name: string) => readFileSync(join(import.meta.dirname, '../tls', name));
const bytes = { serialize: (value: Buffer) => value, deserialize: (value: Buffer) => value };
const method = (name: string) => ({
  path: `/test.Test/${name}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});

export async function startFailingServers(): Promise<FailingServers> {
  const http = createServer((request, response) => {
    const [path] = /^\/\w*/.exec(request.url!)!;
    request.resume();
    if (path === '/hang') return;
    if (path === '/cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('{"ok":', () => setTimeout(() => response.destroy(), 20));
      return;
    }
    const code = Number(path.slice(1)) || 500;
    response.writeHead(code, { ...(code === 503 && { 'retry-after': '7' }), 'content-type': 'text/plain' }).end('no');
  });
  const tls = createTlsServer({ key: file('localhost.key'), cert: file('localhost.crt') }, (_request, response) =>
    response.end(),
  );
  const reset = createTcpServer((socket) => {
    socket.on('error', () => {});
    // A server that greets first, as MySQL does, resets without being spoken to.
    const timer = setTimeout(() => socket.resetAndDestroy(), 20);
    socket.once('data', () => {
      clearTimeout(timer);
      socket.resetAndDestroy();
    });
  });
  const sockets = new Set<{ destroy(): void }>();
  const hang = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.resume();
  });
  const closed = createTcpServer();
  const ports = await Promise.all([closed, reset, tls, http, hang].map(listen));
  await close(closed);
  const grpc = new GrpcServer();
  grpc.addService(
    { ok: method('200'), internal: method('500'), unavailable: method('503'), hang: method('hang') },
    {
      ok: (_call: unknown, done: (error: null, value: Buffer) => void) => done(null, Buffer.alloc(1)),
      internal: (_call: unknown, done: (error: object) => void) => done({ code: status.INTERNAL, details: 'broken' }),
      unavailable: (_call: unknown, done: (error: object) => void) =>
        done({ code: status.UNAVAILABLE, details: 'down' }),
      hang: () => {},
    },
  );
  const grpcPort = await new Promise<number>((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    ),
  );
  return {
    refused: ports[0]!,
    reset: ports[1]!,
    tls: ports[2]!,
    http: ports[3]!,
    hang: ports[4]!,
    grpc: grpcPort,
    async stop() {
      grpc.forceShutdown();
      for (const socket of sockets) socket.destroy();
      for (const server of [http, tls]) server.closeAllConnections();
      await Promise.all([reset, tls, http, hang].map(close));
    },
  };
}

function listen(server: Server | TcpServer): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)));
}

function close(server: Server | TcpServer): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}
