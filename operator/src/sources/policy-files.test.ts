import { chmod, chown, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { policyFilesOf } from './policy-files.ts';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'fuseboard-'));
  await mkdir(join(root, 'p/sub/deep'), { recursive: true });
  for (const name of ['b.yaml', 'a.json', 'sub/c.yml', 'sub/deep/d.yaml']) await writeFile(join(root, 'p', name), '');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const NOBODY = 65_534;

/** Runs an action without the rights of root, which may read everything. */
async function withoutRoot<T>(action: () => Promise<T>): Promise<T> {
  if (process.geteuid?.() !== 0) return action();
  for (const name of ['', 'p', 'p/sub', 'p/sub/deep']) await chown(join(root, name), NOBODY, NOBODY);
  process.seteuid!(NOBODY);
  try {
    return await action();
  } finally {
    process.seteuid!(0);
  }
}

it('finds files at any depth, sorted by path', async () => {
  const { files, folders, unreadable, outside } = await policyFilesOf(join(root, 'p'));
  expect(files).toEqual(['a.json', 'b.yaml', 'sub/c.yml', 'sub/deep/d.yaml']);
  expect([...folders.keys()]).toEqual(['', 'sub', 'sub/deep']);
  expect([unreadable.size, outside]).toEqual([0, []]);
});

it('names a folder below that cannot be read, and finds the other files', async () => {
  await chmod(join(root, 'p/sub/deep'), 0);
  const { files, unreadable } = await withoutRoot(() => policyFilesOf(join(root, 'p')));
  expect(files).toEqual(['a.json', 'b.yaml', 'sub/c.yml']);
  expect([...unreadable]).toEqual([['sub/deep', expect.objectContaining({ code: 'EACCES' })]]);
});

it('names a folder with the name of a file', async () => {
  await mkdir(join(root, 'p/e.yaml'));
  const { files, unreadable } = await policyFilesOf(join(root, 'p'));
  expect(files).not.toContain('e.yaml');
  expect([...unreadable.keys()]).toEqual(['e.yaml']);
});

it('names links to folders outside, and lists a link that leads nowhere', async () => {
  await symlink('..', join(root, 'p/up'));
  await symlink('nowhere', join(root, 'p/lost.yaml'));
  const { files, outside } = await policyFilesOf(join(root, 'p'));
  expect(files).toContain('lost.yaml');
  expect(outside).toEqual(['up']);
});

it('throws when the folder is not there', async () => {
  await expect(policyFilesOf(join(root, 'none'))).rejects.toThrow('ENOENT');
});
