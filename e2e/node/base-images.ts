import { createHash } from 'node:crypto';
import { chmod, copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from '../cluster/run.ts';
import type { Buildah } from './buildah.ts';

const AUTHORITIES = '/etc/ssl/certs/ca-certificates.crt';
/** What Node needs beside itself in an image without a shell. */
const LIBRARIES = ['libc6', 'libgcc-s1', 'libstdc++6', 'gcc-12-base', 'base-files', 'netbase', 'tzdata', 'libssl3'];
const DEBIAN = 'bookworm';
const NPM = 'npm@11';
/** Where the user without rights lives. */
const HOME = join('/', 'home', 'nonroot');

/** The Node of this repository. */
const NODE = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node');

/** The images that the Dockerfile begins with, as `FROM IMAGE` names them. */
export interface BaseImages {
  /** Node with npm and a shell. */
  readonly build: string;
  /** Node and nothing else. */
  readonly run: string;
}

/**
 * Makes the images that the Dockerfile builds on, out of Debian packages and the Node of this repository, under the
 * names that the Dockerfile gives them: no registry is asked.
 */
export async function makeBaseImages(buildah: Buildah, root: string): Promise<BaseImages> {
  const named = [...(await readFile(join(root, 'Dockerfile'), 'utf8')).matchAll(/^FROM (\S+)/gm)].map(
    ([, name]) => name,
  );
  if (named.length !== 2)
    throw new Error(`the Dockerfile has ${named.length} stages; base-images.ts makes the images of 2`);
  const [build, small] = named as [string, string];
  const own = await readFile(fileURLToPath(import.meta.url));
  const label = createHash('sha256').update(own).update(process.version).digest('hex').slice(0, 16);
  const folder = await mkdtemp(join(buildah.folder, 'base-'));
  try {
    if (!(await buildah.has(full(build), label)))
      await makeBuildImage(buildah, full(build), join(folder, 'build'), label);
    if (!(await buildah.has(small, label))) await makeRunImage(buildah, small, join(folder, 'run'), label);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return { build: full(build), run: small };
}

/** A name without a host is one of Docker Hub. */
const full = (image: string) => (image.includes('/') ? image : `docker.io/library/${image}`);

async function makeBuildImage(buildah: Buildah, image: string, folder: string, label: string): Promise<void> {
  await run('debootstrap', ['--variant=minbase', DEBIAN, folder, 'http://deb.debian.org/debian']);
  await copyFile(NODE, join(folder, 'usr/local/bin/node'));
  await run('npm', ['install', '--prefix', join(folder, 'usr/local'), '--global', NPM]);
  await mkdir(join(folder, 'etc/ssl/certs'), { recursive: true });
  await copyFile(AUTHORITIES, join(folder, AUTHORITIES));
  const env = ['--env', `NODE_EXTRA_CA_CERTS=${AUTHORITIES}`];
  await buildah.fromFolder(image, folder, label, env);
}

async function makeRunImage(buildah: Buildah, image: string, folder: string, label: string): Promise<void> {
  const packages = `${folder}-packages`;
  await mkdir(packages);
  await run('apt-get', ['download', ...LIBRARIES], { cwd: packages });
  await mkdir(folder);
  await run('sh', ['-c', `for each in ${packages}/*.deb; do dpkg -x "$each" ${folder}; done`]);
  for (const unused of ['doc', 'man', 'locale', 'lintian', 'info']) {
    await rm(join(folder, 'usr/share', unused), { recursive: true, force: true });
  }
  for (const made of ['nodejs/bin', 'tmp', 'etc/ssl/certs', HOME]) {
    await mkdir(join(folder, made), { recursive: true });
  }
  await chmod(join(folder, 'tmp'), 0o1777);
  await cp(NODE, join(folder, 'nodejs/bin/node'));
  await copyFile(AUTHORITIES, join(folder, AUTHORITIES));
  const shell = '/sbin/nologin';
  await writeFile(
    join(folder, 'etc/passwd'),
    `root:x:0:0:root:/root:${shell}\nnonroot:x:65532:65532::${HOME}:${shell}\n`,
  );
  await writeFile(join(folder, 'etc/group'), 'root:x:0:\nnonroot:x:65532:\n');
  await run('chown', ['-R', '65532:65532', join(folder, HOME)]);
  const config = ['--user', '65532', '--workingdir', HOME, '--entrypoint', '["/nodejs/bin/node"]'];
  await buildah.fromFolder(image, folder, label, config);
}
