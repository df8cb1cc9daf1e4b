import { randomUUID } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readBoundedFile } from './bounded-file.ts';

/** Size limit, far above anything written here: the largest content is a policy file as a JSON string. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * Reads a file written by `writePrivately`.
 *
 * @throws when the file does not exist, is not JSON, or is not trusted.
 */
export async function readPrivateJson(path: string): Promise<unknown> {
  return JSON.parse((await readBoundedFile(path, { trust: 'own', maxBytes: MAX_BYTES })).toString());
}

/**
 * Writes a file that only its owner can read, and creates its folder when needed. The write is atomic: a reader finds
 * the complete old or the complete new text, even after a crash.
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
