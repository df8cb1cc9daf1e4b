import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Cluster } from './cluster.ts';

const PROTOCOL = 'v4.channel.k8s.io';

export interface Kubelet {
  /**
   * Makes a Pod that is said to run here, and ready; what is forwarded to one of its ports goes to a port of this
   * machine.
   */
  run(
    namespace: string,
    name: string,
    labels: Record<string, string>,
    ports: ReadonlyMap<number, number>,
  ): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Stands for a kubelet, as far as `port-forward` needs one: the API server reaches it as a Node on loopback and hands
 * over the WebSocket of the client. A channel for the bytes and one for errors, each beginning with the port in two
 * bytes.
 */
export async function startKubelet(cluster: Cluster, node: string): Promise<Kubelet> {
  const forwarded = new Map<string, ReadonlyMap<number, number>>();
  const server = createServer({
    cert: readFileSync(new URL('../../operator/test/tls/one.crt', import.meta.url)),
    key: readFileSync(new URL('../../operator/test/tls/one.key', import.meta.url)),
  });
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => offered.has(PROTOCOL) && PROTOCOL,
  });
  server.on('upgrade', (request, socket, head) => {
    const url = new URL(request.url!, 'https://kubelet');
    const [, verb, namespace, pod] = url.pathname.split('/');
    const port = Number(url.searchParams.get('port') ?? url.searchParams.get('ports'));
    const to = forwarded.get(`${namespace}/${pod}`)?.get(port);
    if (verb !== 'portForward' || to === undefined) {
      socket.end('HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => bridge(client, port, to));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await apply(cluster, { apiVersion: 'v1', kind: 'Node', metadata: { name: node } });
  await patch(cluster, ['node', node], {
    addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
    daemonEndpoints: { kubeletEndpoint: { Port: port } },
  });

  return {
    async run(namespace, name, labels, ports) {
      const spec = { nodeName: node, containers: [{ name: 'c', image: 'registry.example/service' }] };
      await apply(cluster, { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec });
      await patch(cluster, ['pod', name, '-n', namespace], {
        phase: 'Running',
        conditions: [{ type: 'Ready', status: 'True' }],
      });
      forwarded.set(`${namespace}/${name}`, ports);
    },
    async stop() {
      for (const client of sockets.clients) client.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function bridge(client: WebSocket, port: number, to: number): void {
  const frame = (channel: number, bytes: Uint8Array) => client.send(Buffer.concat([Buffer.of(channel), bytes]));
  const first = Buffer.alloc(2);
  first.writeUInt16LE(port);
  frame(0, first);
  frame(1, first);
  const socket: Socket = connect(to, '127.0.0.1');
  socket.on('data', (bytes) => frame(0, bytes));
  socket.on('error', (error) => frame(1, Buffer.from(error.message)));
  socket.on('close', () => client.close());
  client.on('message', (message: Buffer) => {
    if (message[0] === 0) socket.write(message.subarray(1));
  });
  client.on('close', () => socket.destroy());
}

const apply = (cluster: Cluster, object: object) =>
  cluster.kubectl('apply', '-f', '-', { input: JSON.stringify(object) });

const patch = (cluster: Cluster, what: readonly string[], status: object) =>
  cluster.kubectl('patch', ...what, '--subresource=status', '--type=merge', '-p', JSON.stringify({ status }));
