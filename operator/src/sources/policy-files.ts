import type { Dirent } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';

/** The policy files of a folder and of the folders below it. All paths are relative to the folder. */
export interface PolicyFiles {
  /** Sorted by path. */
  readonly files: readonly string[];
  /** The folders that were read, by path, with a text that differs for another folder of the same path. */
  readonly folders: ReadonlyMap<string, string>;
  /** Why a folder below is not read, by its path. */
  readonly unreadable: ReadonlyMap<string, Error>;
  /** Links to folders outside of the folder, which are not followed. */
  readonly outside: readonly string[];
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/**
 * Finds the `.yaml`, `.yml` and `.json` files of a folder at any depth, for `serve` and for the commands that check
 * files, so that what passes a check is also served. Names that start with a dot are skipped. A link to a folder within
 * is followed, because a mounted ConfigMap with paths consists of such links; each folder is read once.
 *
 * @param except a folder that is skipped.
 * @throws when the folder itself cannot be read.
 */
export async function policyFilesOf(root: string, except?: string): Promise<PolicyFiles> {
  const realRoot = await realpath(root);
  const files: string[] = [];
  const folders = new Map<string, string>();
  const unreadable = new Map<string, Error>();
  const outside: string[] = [];
  const links: string[] = [];
  const seen = new Set<string>();
  if (except !== undefined) await identityOf(except).then((identity) => seen.add(identity), ignore);

  async function readFolder(path: string, identity: string): Promise<void> {
    seen.add(identity);
    const entries = await readdir(join(root, path), { withFileTypes: true });
    folders.set(path, identity);
    for (const entry of entries) if (!entry.name.startsWith('.')) await take(join(path, entry.name), entry);
  }

  async function take(path: string, entry: Dirent): Promise<void> {
    if (entry.isDirectory() && !EXTENSIONS.has(extname(path))) await readBelow(path);
    // A container runtime creates such a folder where a file to mount is missing.
    else if (entry.isDirectory()) unreadable.set(path, new Error(`${join(root, path)} is a folder with a file's name`));
    else if (entry.isSymbolicLink() && (await isFolder(join(root, path)))) links.push(path);
    else if (EXTENSIONS.has(extname(path))) files.push(path);
  }

  async function readBelow(path: string): Promise<void> {
    try {
      const identity = await identityOf(join(root, path));
      if (!seen.has(identity)) await readFolder(path, identity);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') unreadable.set(path, error as Error);
    }
  }

  await readFolder('', await identityOf(root));
  // Links last, so that a folder has its own path where it has one.
  for (const link of links) {
    const target = await realpath(join(root, link)).catch(ignore);
    if (target === undefined) continue;
    if (`${target}${sep}`.startsWith(realRoot.endsWith(sep) ? realRoot : `${realRoot}${sep}`)) await readBelow(link);
    else outside.push(link);
  }
  return { files: files.sort(), folders, unreadable, outside };
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino } = await stat(path);
  return `${dev}:${ino}`;
}

const isFolder = (path: string) =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );

const ignore = () => undefined;
