import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { run } from '../cluster/run.ts';
import { buildImages, type Images } from './images.ts';

interface Manifest {
  readonly Config: string;
  readonly Layers: readonly string[];
}

/** Where the Dockerfile puts the operator. */
const APP = 'app/node_modules/@fuseboard/operator';

let images: Images;
let folder: string;
let files: string[];
let config: { config: { User: string; Entrypoint: string[]; Cmd: string[]; Env: string[]; ExposedPorts: object } };

const log = (line: string) => process.stderr.write(`${line}\n`);

beforeAll(async () => {
  images = await buildImages(log);
  folder = await mkdtemp(join(tmpdir(), 'fuseboard-image-'));
  await run('tar', ['-C', folder, '-xf', images.operator]);
  const [manifest] = JSON.parse(await run('cat', [join(folder, 'manifest.json')])) as [Manifest];
  config = JSON.parse(await run('cat', [join(folder, manifest.Config)]));
  const listed = await Promise.all(manifest.Layers.map((layer) => run('tar', ['-tf', join(folder, layer)])));
  files = listed.flatMap((text) => text.split('\n')).map((path) => path.replace(/^\.?\//, ''));
}, 1_200_000);

afterAll(async () => {
  if (folder) await rm(folder, { recursive: true, force: true });
});

describe('the image that the Dockerfile makes', () => {
  it('runs the operator as a user without rights', () => {
    const { User, Entrypoint, Cmd, ExposedPorts } = config.config;
    expect(User).toBe('65532:65532');
    expect(Entrypoint[0]).toBe('/nodejs/bin/node');
    expect(Entrypoint.at(-1)).toBe(`/${APP}/dist/main.js`);
    expect(Cmd).toEqual(['serve']);
    expect(Object.keys(ExposedPorts).sort()).toEqual(['8080/tcp', '8443/tcp', '9443/tcp']);
  });

  it('holds the operator, its page and the list of its packages, and no shell, compiler or source', () => {
    expect(files).toEqual(expect.arrayContaining([`${APP}/dist/main.js`, 'app/sbom.cdx.json', 'app/LICENSE']));
    const forbidden = /(^|\/)(bash|sh|npm|npx|tsc)$|^app\/.*\.(ts|map|test\.js)$|^build\//;
    expect(files.filter((path) => forbidden.test(path))).toEqual([]);
  });
});
