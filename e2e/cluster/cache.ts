import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/**
 * The folder where tools that were built or fetched are kept: `$XDG_CACHE_HOME/fuseboard`, else `~/.cache/fuseboard`.
 */
export const CACHE_DIR = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fuseboard');

/** Whether there is a file at `path`. */
export async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

/**
 * Makes the file at `path` unless it is there: `make` writes it to a temporary name, which is then renamed, so that
 * processes that do the same at the same time never see half a file.
 */
export async function cached(path: string, make: (temporary: string) => Promise<void>): Promise<string> {
  if (await isFile(path)) return path;
  await mkdir(join(path, '..'), { recursive: true });
  const temporary = `${path}.${process.pid}.${Date.now()}.part`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  return path;
}
