import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from '@jest/globals';
import { StandaloneTarget } from './standalone.ts';

it('asks for hundreds of policies over a few connections, and keeps their order', async () => {
  const items = Array.from({ length: 300 }, (_, i) => ({ namespace: 'shop', name: `policy-${i}` }));
  const server = createServer((request, response) => {
    const name = request.url!.split('/')[4];
    response.end(JSON.stringify(name === undefined ? { items } : { namespace: 'shop', name }));
  });
  let open = 0;
  let most = 0;
  server.on('connection', (socket) => {
    open += 1;
    most = Math.max(most, open);
    socket.on('close', () => {
      open -= 1;
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const found = await new StandaloneTarget([`http://127.0.0.1:${port}`]).policies(undefined);
    expect(found).toEqual(items);
    expect(most).toBeLessThanOrEqual(32);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('says how to send a token where the operator asks for one and none was sent', async () => {
  const server = createServer((_request, response) => {
    response.writeHead(401, { 'content-type': 'application/json' }).end('{"error":"a token is required"}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    await expect(new StandaloneTarget([url]).policies(undefined)).rejects.toThrow(
      `cannot ask the operator at ${url}: a token is required; --kubeconfig FILE sends its token`,
    );
    const refused = new StandaloneTarget([url], async () => 'wrong').policies(undefined);
    await expect(refused).rejects.toThrow(/a token is required$/);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
