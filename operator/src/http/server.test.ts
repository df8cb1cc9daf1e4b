import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { expect, it } from '@jest/globals';
import { until } from '../../test/until.ts';
import { readCertificate } from './certificate.ts';
import { peerAddress } from './peer-address.ts';
import { listen } from './server.ts';

/** Whether this machine has IPv6 addresses. */
const HAS_IPV6 = await new Promise<boolean>((resolve) => {
  const probe = createServer().once('error', () => resolve(false));
  probe.listen(0, '::1', () => probe.close(() => resolve(true)));
});

it('takes connections of IPv4, and of IPv6 where the machine has it, on ::', async () => {
  const from: string[] = [];
  const server = await listen(
    (request, response) => {
      from.push(peerAddress(request.socket));
      response.end();
    },
    { host: '::', port: 0 },
    { what: 'a test', flag: '--port', maxConnections: 10 },
  );
  try {
    expect(server.url).toMatch(HAS_IPV6 ? /^http:\/\/\[::\]:\d+$/ : /^http:\/\/0\.0\.0\.0:\d+$/);
    const { port } = new URL(server.url);
    const hosts = ['127.0.0.1', ...(HAS_IPV6 ? ['[::1]'] : [])];
    for (const host of hosts) expect((await fetch(`http://${host}:${port}/`)).status).toBe(200);
    expect(from).toEqual(hosts.map((host) => host.replace(/[[\]]/g, '')));
  } finally {
    server.cut();
    await server.close();
  }
});

it('cuts a response that fails, and continues to serve', async () => {
  const server = await listen(
    (request, response) => {
      response.end('fine');
      if (request.url !== '/fine') response.write('more');
    },
    { host: '127.0.0.1', port: 0 },
    { what: 'a test', flag: '--port', maxConnections: 10 },
  );
  try {
    await fetch(server.url).catch(() => {});
    expect(await (await fetch(`${server.url}/fine`)).text()).toBe('fine');
  } finally {
    server.cut();
    await server.close();
  }
});

it('closes a connection that sends a request before the previous one is answered', async () => {
  const asked: (string | undefined)[] = [];
  const server = await listen(
    (request, response) => {
      asked.push(request.url);
      if (request.url !== '/held') response.end('fine');
    },
    { host: '127.0.0.1', port: 0 },
    { what: 'a test', flag: '--port', maxConnections: 10 },
  );
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
  const opened = () => connect(Number(new URL(server.url).port), '127.0.0.1').on('error', () => {});
  try {
    const eager = opened();
    eager.write(get('/held') + get('/1').repeat(1_000));
    await once(eager, 'close');
    expect(asked).toEqual(['/held']);

    const patient = opened();
    for (const path of ['/2', '/3']) {
      patient.write(get(path));
      expect(String(await once(patient, 'data'))).toContain('200 OK');
    }
    expect(asked).toEqual(['/held', '/2', '/3']);
    patient.destroy();
  } finally {
    server.cut();
    await server.close();
  }
});

it('cuts a response over TLS that nobody reads', async () => {
  let now = 0;
  const cut: string[] = [];
  const files = ['one.crt', 'one.key'].map((name) => join(import.meta.dirname, '../../test/tls', name));
  const server = await listen(
    (_request, response) => response.end('x'.repeat(16 * 1024 * 1024)),
    { host: '127.0.0.1', port: 0 },
    {
      ...{ what: 'a test', flag: '--port', maxConnections: 10, clock: { now: () => now } },
      certificate: await readCertificate({ certFile: files[0]!, keyFile: files[1]! }),
      onCut: (_from, limit) => void cut.push(limit),
    },
  );
  try {
    const port = Number(new URL(server.url).port);
    const socket = connectSecurely({ port, host: '127.0.0.1', rejectUnauthorized: false }).on('error', () => {});
    await once(socket, 'secureConnect');
    socket.pause();
    socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await until(() => {
      now += 60_000;
      return cut.length > 0;
    });
    await once(socket.resume(), 'close');
    expect(cut).toEqual(['stalled']);
  } finally {
    server.cut();
    await server.close();
  }
});

it.each([
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['fd00::ffff:1', 'fd00::ffff:1'],
  [undefined, ''],
])('tells the address %s as %p', (remoteAddress, told) => {
  expect(peerAddress({ remoteAddress })).toBe(told);
});
