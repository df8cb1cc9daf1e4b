import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CACHE_DIR } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

const FOLDER = join(CACHE_DIR, 'node', 'images');

/** Builds images without a daemon and without a registry; what it has built is kept in the cache. */
export class Buildah {
  readonly folder = FOLDER;

  static async open(): Promise<Buildah> {
    await mkdir(FOLDER, { recursive: true });
    await writeFile(join(FOLDER, 'policy.json'), '{"default":[{"type":"insecureAcceptAnything"}]}');
    return new Buildah();
  }

  /** Whether there is an image of that name with that label. */
  async has(image: string, label: string): Promise<boolean> {
    const named = ['--type', 'image', '--format', '{{ index .OCIv1.Config.Labels "fuseboard.test/recipe" }}'];
    return this.#run('inspect', ...named, image).then(
      (found) => found.trim() === label,
      () => false,
    );
  }

  /** Makes an image whose only layer is the content of a folder. */
  async fromFolder(image: string, folder: string, label: string, config: readonly string[]): Promise<void> {
    const container = (await this.#run('from', 'scratch')).trim();
    try {
      const archive = join(this.folder, `${container}.tar`);
      await run('tar', ['-C', folder, '--numeric-owner', '-cf', archive, '.']);
      await this.#run('add', '--quiet', container, archive, '/');
      await rm(archive);
      await this.#run('config', '--label', `fuseboard.test/recipe=${label}`, ...config, container);
      await this.#run('commit', ...this.#policy, '--quiet', container, image);
    } finally {
      await this.#run('rm', container);
    }
  }

  /** Builds a folder by its Dockerfile, from images that are here. */
  async build(image: string, folder: string): Promise<void> {
    const how = ['--isolation', 'chroot', '--pull-never', '--layers=false', '--quiet'];
    await this.#run('bud', ...how, ...this.#policy, '--tag', image, folder);
    // The image of that name before this one.
    await this.#run('rmi', '--prune').catch(() => {});
  }

  /** Writes an image to an archive that containerd imports. */
  async save(image: string, archive: string): Promise<void> {
    await rm(archive, { force: true });
    await this.#run('push', ...this.#policy, '--quiet', image, `docker-archive:${archive}:${image}`);
  }

  /** How a container of an image runs: its user, entrypoint, arguments and environment. */
  async config(image: string): Promise<Record<string, unknown>> {
    const found = JSON.parse(await this.#run('inspect', '--type', 'image', image)) as {
      OCIv1: { config: Record<string, unknown> };
    };
    return found.OCIv1.config;
  }

  get #policy(): readonly string[] {
    return ['--signature-policy', join(this.folder, 'policy.json')];
  }

  #run(...args: string[]): Promise<string> {
    const where = ['--root', join(this.folder, 'storage'), '--runroot', join(this.folder, 'run')];
    return run('buildah', [...where, '--storage-driver', 'overlay', ...args]);
  }
}
