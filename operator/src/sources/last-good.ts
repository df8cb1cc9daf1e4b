import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateJson, writePrivately } from '../files/private-file.ts';

const SavedSchema = z.object({ file: z.string(), text: z.string() });

const SAVED_NAME = /^[0-9a-f]{32}\.json$/;

/** The last valid text of each policy file, kept over restarts. */
export interface LastGood {
  /** The saved text of a file; undefined when there is none or it cannot be read. */
  load(file: string): Promise<string | undefined>;
  /** The names of all files with a saved text. */
  files(): Promise<readonly string[]>;
  save(file: string, text: string): Promise<void>;
  forget(file: string): Promise<void>;
}

/** Saves texts in a folder, one file each, written atomically and readable only by its owner. */
export function lastGoodFolder(folder: string): LastGood {
  const pathOf = (file: string) => join(folder, `${createHash('sha256').update(file).digest('hex').slice(0, 32)}.json`);
  return {
    async load(file) {
      try {
        const saved = SavedSchema.parse(await readPrivateJson(pathOf(file)));
        return saved.file === file ? saved.text : undefined;
      } catch {
        return undefined;
      }
    },
    async files() {
      const names = (await readdir(folder).catch(() => [])).filter((name) => SAVED_NAME.test(name));
      const saved = names.map(
        async (name) => SavedSchema.safeParse(await readPrivateJson(join(folder, name))).data?.file,
      );
      return (await Promise.all(saved.map((one) => one.catch(() => undefined)))).filter((file) => file !== undefined);
    },
    save: (file, text) => writePrivately(pathOf(file), JSON.stringify({ file, text })),
    forget: (file) => rm(pathOf(file), { force: true }),
  };
}
