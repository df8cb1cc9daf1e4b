import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';
import { makeBaseImages } from './base-images.ts';
import { Buildah } from './buildah.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SERVICES = fileURLToPath(new URL('services', import.meta.url));

export const OPERATOR_REPOSITORY = 'node.test/fuseboard';
const OPERATOR_IMAGE = `${OPERATOR_REPOSITORY}:0.1.0`;
/** Two small services: one that calls through a breaker, and one that is called. */
export const SERVICE_IMAGE = 'node.test/shop:1';

/** Archives of the images under test. */
export interface Images {
  readonly operator: string;
  readonly services: string;
}

/**
 * Builds the operator's image by the Dockerfile, and that of the services on the agent as it would be published. An
 * image is built again when a file of the repository has changed.
 */
export async function buildImages(log: (line: string) => void = () => {}): Promise<Images> {
  const buildah = await Buildah.open();
  const archive = async (name: string, patterns: readonly string[]) =>
    join(buildah.folder, `${name}-${await digestOf(patterns)}.tar`);
  const timed = async (what: string, make: () => Promise<void>) => {
    const begun = performance.now();
    log(`building the image of ${what}`);
    await make();
    log(`built the image of ${what} in ${Math.round((performance.now() - begun) / 1000)} s`);
  };
  const operator = await cached(await archive('operator', OF_OPERATOR), async (temporary) => {
    await timed('the operator', async () => {
      await makeBaseImages(buildah, ROOT);
      await buildah.build(OPERATOR_IMAGE, ROOT);
    });
    await buildah.save(OPERATOR_IMAGE, temporary);
  });
  const services = await cached(await archive('services', OF_SERVICES), async (temporary) => {
    await timed('the services', async () => {
      const { run: base } = await makeBaseImages(buildah, ROOT);
      await buildServices(buildah, base);
    });
    await buildah.save(SERVICE_IMAGE, temporary);
  });
  await removeOthers(buildah.folder, [operator, services]);
  return { operator, services };
}

/** Archives of earlier sources are of no use any more. */
async function removeOthers(folder: string, kept: readonly string[]): Promise<void> {
  for (const name of await readdir(folder)) {
    const path = join(folder, name);
    if (name.endsWith('.tar') && !kept.includes(path)) await rm(path);
  }
}

async function buildServices(buildah: Buildah, base: string): Promise<void> {
  const folder = await mkdtemp(join(buildah.folder, 'services-'));
  try {
    await run('npm', ['run', 'build', '--workspace', '@fuseboard/agent'], { cwd: ROOT });
    const packed = await run(
      'npm',
      ['pack', '--silent', '--workspace', '@fuseboard/agent', '--pack-destination', folder],
      {
        cwd: ROOT,
      },
    );
    const context = join(folder, 'context');
    await mkdir(context);
    await cp(SERVICES, context, { recursive: true });
    await writeFile(join(context, 'package.json'), '{"name":"shop","type":"module","private":true}');
    await run('npm', ['install', join(folder, packed.trim().split('\n').at(-1)!)], { cwd: context });
    await writeFile(join(context, 'Dockerfile'), `FROM ${base}\nCOPY . /shop\nWORKDIR /shop\n`);
    await buildah.build(SERVICE_IMAGE, context);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const EVERYWHERE = [':!*.test.ts', ':!*.md'];
/** What the operator's image is made of, as patterns of git. */
const OF_OPERATOR = [
  'Dockerfile',
  '.dockerignore',
  'LICENSE',
  '*package.json',
  'package-lock.json',
  'tsconfig*.json',
  'scripts/image.ts',
  'crds/schema',
  'operator',
  ':!operator/test',
  'e2e/node/base-images.ts',
];
/** What the image of the services is made of. */
const OF_SERVICES = ['agent', ':!agent/test', ':!agent/bench', 'e2e/node/services', 'e2e/node/base-images.ts'];

/** Changes with every file of those that git knows or would take. */
async function digestOf(patterns: readonly string[]): Promise<string> {
  const all = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', ...patterns, ...EVERYWHERE];
  const listed = (await run('git', all, { cwd: ROOT })).split('\0').filter((one) => one !== '');
  const hash = createHash('sha256');
  for (const name of listed.sort()) {
    const path = join(ROOT, name);
    const content = await readFile(path).catch(() => readlink(path).catch(() => ''));
    hash.update(`${name}\0`).update(content).update('\0');
  }
  return hash.digest('hex').slice(0, 16);
}
