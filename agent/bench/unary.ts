import { Client, credentials, type Interceptor, Server, ServerCredentials } from '@grpc/grpc-js';

const same = (value: Buffer) => value;
const METHOD = {
  path: '/bench.Bench/call',
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
} as const;
const EMPTY = Buffer.alloc(0);

/** A server of gRPC on loopback, and a call of its only method, which answers at once. */
export async function unary(interceptors: Interceptor[] = []): Promise<{ call(): Promise<unknown>; end(): void }> {
  const server = new Server();
  server.addService(
    { call: METHOD },
    { call: (_: unknown, done: (error: null, value: Buffer) => void) => done(null, EMPTY) },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), { interceptors });
  return {
    call: () =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(METHOD.path, same, same, EMPTY, (error, value) =>
          error === null ? resolve(value) : reject(error),
        );
      }),
    end() {
      client.close();
      server.forceShutdown();
    },
  };
}
