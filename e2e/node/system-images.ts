import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cached } from '../cluster/cache.ts';
import { run } from '../cluster/run.ts';

export const PAUSE_IMAGE = 'node.test/pause:1';
export const COREDNS_IMAGE = 'node.test/coredns:1';

/**
 * Makes an image that holds one static program, as an archive beside the program, and returns the path of the archive.
 */
export function programImage(program: string, tag: string): Promise<string> {
  return cached(`${program}.tar`, async (temporary) => {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-image-'));
    const name = basename(program);
    try {
      await mkdir(join(folder, 'root'));
      await mkdir(join(folder, 'image'));
      await copyFile(program, join(folder, 'root', name));
      await chmod(join(folder, 'root', name), 0o755);
      const layer = join(folder, 'image', 'layer.tar');
      await run('tar', ['-C', join(folder, 'root'), '--owner=0', '--group=0', '-cf', layer, '.']);
      const digest = createHash('sha256')
        .update(await readFile(layer))
        .digest('hex');
      const config = {
        architecture: 'amd64',
        os: 'linux',
        config: { Entrypoint: [`/${name}`] },
        rootfs: { type: 'layers', diff_ids: [`sha256:${digest}`] },
      };
      const manifest = [{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }];
      await writeFile(join(folder, 'image', 'config.json'), JSON.stringify(config));
      await writeFile(join(folder, 'image', 'manifest.json'), JSON.stringify(manifest));
      await run('tar', ['-C', join(folder, 'image'), '-cf', temporary, '.']);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
