import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { until } from '../../test/until.ts';
import { followAuthorities, followCertificate, readCertificate } from './certificate.ts';
import { listen } from './server.ts';

const PAIRS = join(import.meta.dirname, '../../test/tls');

let folder: string;
const path = (name: string) => join(folder, name);
const files = () => ({ certFile: path('tls.crt'), keyFile: path('tls.key') });

const use = (cert: string, key = cert) =>
  Promise.all([
    copyFile(join(PAIRS, `${cert}.crt`), path('tls.crt')),
    copyFile(join(PAIRS, `${key}.key`), path('tls.key')),
  ]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-tls-'));
});
afterAll(() => rm(folder, { recursive: true }));

it('serves new connections with a renewed pair, leaves open ones alone, and passes over a pair that does not fit', async () => {
  await use('one');
  const first = await readCertificate(files());
  expect(new Date(first.expires).toUTCString()).toBe('Mon, 28 Oct 2126 23:59:07 GMT');
  const bounds = { what: 'agents', flag: '--port', maxConnections: 10, certificate: first };
  const server = await listen((_request, response) => response.write('open'), { host: '127.0.0.1', port: 0 }, bounds);
  const lines: string[] = [];
  const log = {
    info: (_: object, line: string) => lines.push(line),
    error: (_: object, line: string) => lines.push(line),
  };
  const unfollow = followCertificate(files(), first, (next) => server.renew(next), log, 5);
  const { port } = new URL(server.url);
  const named = () =>
    new Promise<string>((resolve, reject) => {
      const socket: TLSSocket = connect({ host: '127.0.0.1', port: Number(port), rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on('error', reject);
    });
  let alive = true;
  const stream = request(server.url, { rejectUnauthorized: false, agent: false }, (response) => {
    response.resume().on('close', () => {
      alive = false;
    });
  }).end();
  stream.on('error', () => {});
  await new Promise((resolve) => stream.once('response', resolve));

  expect(await named()).toBe('one');
  await use('two', 'one');
  await until(() =>
    lines.some((line) => /must be PEM files that belong together; the previous certificate stays/.test(line)),
  );
  expect(await named()).toBe('one');
  await use('two');
  await until(() => lines.some((line) => line.startsWith('the certificate was replaced')));
  expect(await named()).toBe('two');
  expect(alive).toBe(true);

  unfollow();
  server.cut();
  await server.close();
});

it('says when the authorities for new pods were replaced, how many there are, and once that they cannot be read', async () => {
  let authorities = '-----BEGIN one';
  let failure: Error | undefined;
  const lines: [object, string][] = [];
  const log = {
    info: (facts: object, line: string) => lines.push([facts, line]),
    error: (facts: object, line: string) => lines.push([facts, line]),
  };
  let changes = 0;
  let reads = 0;
  const read = async () => {
    reads += 1;
    if (failure) throw failure;
    return authorities;
  };
  const readAgain = () => {
    const before = reads;
    return until(() => reads > before + 1);
  };
  const unfollow = followAuthorities(read, authorities, () => (changes += 1), log, 2);
  await readAgain();
  expect(lines).toEqual([]);
  authorities = '-----BEGIN one-----BEGIN two';
  await until(() => changes === 1);
  failure = new Error('gone');
  await readAgain();
  failure = undefined;
  await readAgain();
  unfollow();
  expect(lines).toEqual([
    [{ authorities: 2 }, 'the certificate authorities were replaced; new pods are given the new ones'],
    [{}, 'gone; pods get the certificates that were read last'],
  ]);
  expect(changes).toBe(1);
});

it('names the flag of a file that is missing, and of a pair that does not fit', async () => {
  await use('one');
  await expect(readCertificate({ ...files(), certFile: path('none') })).rejects.toThrow('--tls-cert-file: cannot read');
  await expect(readCertificate({ ...files(), keyFile: path('none') })).rejects.toThrow('--tls-key-file: cannot read');
  await writeFile(path('tls.crt'), 'no PEM');
  await expect(readCertificate(files())).rejects.toThrow('must be PEM files that belong together');
});
