import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Registry } from '../src/breakers/registry.ts';
import { Ledger } from '../src/link/ledger.ts';
import { Link } from '../src/link/link.ts';
import { readSettings } from '../src/link/settings/settings.ts';
import { FakeClock, FakeControlPlane, type FakeControlPlaneOptions } from '../src/testing/testing.ts';
import { eventually } from './eventually.ts';

const folder = join(import.meta.dirname, 'tls');
const caFile = join(folder, 'ca.crt');
const root = mkdtempSync(join(tmpdir(), 'fuseboard-tls-'));
const tokenFile = join(root, 'token');
writeFileSync(tokenFile, 'secret');
const pair = (name: string) => ({
  key: readFileSync(join(folder, `${name}.key`), 'utf8'),
  cert: readFileSync(join(folder, `${name}.crt`), 'utf8'),
});
const ends: (() => Promise<unknown>)[] = [];

async function serve(options: FakeControlPlaneOptions): Promise<FakeControlPlane> {
  const plane = await FakeControlPlane.start(options);
  ends.push(() => plane.stop());
  return plane;
}

function connect(url: string, trusted: string | undefined = caFile) {
  const clock = new FakeClock();
  const registry = new Registry({ clock, timeouts: clock });
  registry.getBreaker('payments');
  const warnings: string[] = [];
  const settings = readSettings({ url, service: 's', tokenFile, ...(trusted ? { caFile: trusted } : {}) }, {});
  const warn = (message: string) => warnings.push(message);
  const link = new Link({
    settings,
    registry,
    holder: { ledger: new Ledger('c'.repeat(32)) },
    warn,
    random: () => 0.05,
  });
  ends.unshift(() => link.stop(0));
  void link.start();
  return { link, warnings };
}

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});
afterAll(() => rmSync(root, { recursive: true }));

/** The replica as its own address, which no certificate names. */
const address = (plane: FakeControlPlane) => `${plane.url.replace('localhost', '127.0.0.1')}/v1/report`;

describe('over TLS', () => {
  it('the operator proves its name and gets the token', async () => {
    const plane = await serve({ tls: pair('localhost') });
    const { link } = connect(plane.url);
    expect(await link.ready(10_000)).toBe('Live');
    expect(plane.connections[0]?.headers.authorization).toBe('Bearer secret');
    await plane.until((p) => p.reports.length > 0);
  });

  it.each([
    ['has a certificate for another name', 'elsewhere', caFile, /altnames/],
    ['has a certificate of another authority', 'localhost', join(folder, 'elsewhere.crt'), /certificate/],
  ])('a server that %s gets nothing', async (_what, name, trusted, warning) => {
    const plane = await serve({ tls: pair(name) });
    const { link, warnings } = connect(plane.url, trusted);
    await eventually(() => warnings.length > 0);
    expect(warnings[0]).toMatch(warning);
    expect(plane.connections).toEqual([]);
    expect(link.state).toBe('Defaults');
  });

  it('reports go to the address of a replica that proves the name that it connected to', async () => {
    const replica = await serve({ tls: pair('localhost') });
    const plane = await serve({ tls: pair('localhost'), reportUrl: address(replica) });
    connect(plane.url);
    await replica.until((p) => p.reports.length > 0);
    expect(plane.reports).toEqual([]);
  });

  it('reports never go to an address that proves another name', async () => {
    const stranger = await serve({ tls: pair('elsewhere') });
    const plane = await serve({ tls: pair('localhost'), reportUrl: address(stranger) });
    connect(plane.url);
    await plane.until((p) => p.reports.length > 0);
    expect(stranger.reports).toEqual([]);
  });

  it('reports are never sent in plain text', async () => {
    const plain = await serve({});
    const plane = await serve({ tls: pair('localhost'), reportUrl: `${plain.url}/v1/report` });
    connect(plane.url);
    await plane.until((p) => p.reports.length > 0);
    expect(plain.reports).toEqual([]);
  });
});
