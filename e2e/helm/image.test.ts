import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../examples/offer-demo/address.ts';
import { eventually, run } from '../cluster/run.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ALLOWED = [
  'MIT',
  'ISC',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'PSF-2.0',
  'Unlicense',
];

let folder: string;
let app: string;
let entry: string[];
let files: string[];
let child: ChildProcess | undefined;

const start = (...args: string[]) => {
  let output = '';
  const started = spawn(process.execPath, [...entry, ...args], {
    cwd: folder,
    env: {},
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  for (const stream of [started.stdout, started.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
  child = started;
  return { output: () => output, exit: new Promise((resolve) => started.on('exit', resolve)) };
};

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-image-'));
  app = join(folder, 'app');
  await run(process.execPath, ['scripts/image.ts', app], { cwd: ROOT });
  files = (await readdir(app, { recursive: true })).filter((path) => !path.endsWith('/'));
  const dockerfile = await readFile(join(ROOT, 'Dockerfile'), 'utf8');
  const [, ...command] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!) as string[];
  entry = command.map((word) => word.replace(/^\/app\//, `${app}/`));
}, 180_000);

afterEach(() => void child?.kill('SIGKILL'));
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('what the image holds', () => {
  it('runs from its folder alone, without anything of this repository, and stops when it is told', async () => {
    await mkdir(join(folder, 'policies'));
    await writeFile(
      join(folder, 'policies/pay.yaml'),
      'apiVersion: fuseboard.dev/v1alpha1\nkind: CircuitBreakerPolicy\nmetadata: { name: pay }\nspec: { breakers: [pay] }\n',
    );
    const [agents, metrics, admin] = await Promise.all([freePort(), freePort(), freePort()]);
    const ports = [`--port=${agents}`, `--metrics-port=${metrics}`, `--admin-port=${admin}`];
    const { exit, output } = start('serve', '--policies=policies', ...ports);
    await eventually(async () => (await fetch(`http://127.0.0.1:${metrics}/readyz`)).ok);
    const { items } = (await (await fetch(`http://127.0.0.1:${admin}/v1/policies`)).json()) as { items: object[] };
    expect(items).toMatchObject([{ name: 'pay' }]);
    child!.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(output()).toContain('"msg":"stopped"');
  });

  it('says in one line what is missing where there is no cluster', async () => {
    const { exit, output } = start('serve');
    expect(await exit).toBe(2);
    expect(output()).toBe('fuseboard: this is not a pod of a cluster; give --policies DIR or --kubeconfig FILE\n');
  });

  it('is production code only: no types, no source maps, no tests, no tools', () => {
    expect(files.filter((path) => /\.(ts|cts|mts|map)$/.test(path))).toEqual([]);
    expect(
      files.filter((path) => /node_modules\/(typescript|jest|@swc|@types|@biomejs|node)(\/|$)/.test(path)),
    ).toEqual([]);
    expect(files.filter((path) => /^node_modules\/@fuseboard\/[^/]+$/.test(path)).sort()).toEqual([
      'node_modules/@fuseboard/operator',
      'node_modules/@fuseboard/schema',
    ]);
  });

  it('lists every package with a licence that may be shipped', async () => {
    const bill = JSON.parse(await readFile(join(app, 'sbom.cdx.json'), 'utf8')) as {
      components: { name: string; licenses?: { license: { id: string } }[] }[];
    };
    const manifests = files.filter((path) => /(^|\/)node_modules\/(@[^/]+\/)?[^/]+\/package\.json$/.test(path));
    expect(bill.components).toHaveLength(manifests.length);
    const strange = bill.components.filter(({ licenses }) => !ALLOWED.includes(licenses?.[0]?.license.id ?? 'none'));
    expect(strange.map(({ name, licenses }) => `${name}: ${licenses?.[0]?.license.id}`)).toEqual([]);
  });

  it('can be read by any user', async () => {
    for (const path of files) {
      const { mode } = await stat(join(app, path));
      expect([path, mode & 0o444]).toEqual([path, 0o444]);
    }
  });
});
