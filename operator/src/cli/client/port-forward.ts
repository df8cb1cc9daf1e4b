import { type AddressInfo, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { type KubeConfig, PortForward } from '@kubernetes/client-node';

/** A port of a pod, forwarded to a local port. */
export interface Forwarded {
  readonly url: string;
  close(): Promise<void>;
}

export interface ForwardOptions {
  readonly kubeConfig: KubeConfig;
  readonly namespace: string;
  readonly pod: string;
  readonly port: number;
}

/** Listens on a free loopback port. Each connection is forwarded to the port of the pod, through the API server. */
export async function forwardPort({ kubeConfig, namespace, pod, port }: ForwardOptions): Promise<Forwarded> {
  const forward = new PortForward(kubeConfig);
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    const errors = new PassThrough();
    errors.on('data', () => socket.destroy());
    const input = new PassThrough();
    socket.pipe(input);
    forward.portForward(namespace, pod, [port], socket, errors, input).then(
      (connection) => {
        const ws = typeof connection === 'function' ? connection() : connection;
        ws?.addEventListener('close', () => socket.destroy());
        ws?.addEventListener('error', () => socket.destroy());
        socket.once('close', () => ws?.close());
      },
      () => socket.destroy(),
    );
    socket.on('error', () => socket.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
