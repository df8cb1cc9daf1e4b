import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readBoundedFile } from '../files/bounded-file.ts';

/** Far above what is written: a last good text is a policy file as a JSON string. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads a file that `writePrivately` wrote.
 *
 * @throws when it is not there, not JSON, or not to be trusted.
 */
export async function readPrivateJson(path: string): Promise<unknown> {
  return JSON.parse((await readBoundedFile(path, { trust: 'own', maxBytes: MAX_BYTES })).toString());
}

/**
 * Writes a file that only its owner can read, in a folder that is made when it is not there. Whoever reads it finds the
 * whole of the old text or the whole of the new one, after a crash too.
 */
export async function writePrivately(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomUUID()}`);
  try {
    await writeFile(temporary, text, { mode: 0o600, flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
