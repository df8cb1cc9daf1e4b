import { createHash } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { readPrivateJson, writePrivately } from './private-file.ts';

const SavedSchema = z.object({ file: z.string(), text: z.string() });

/** The last good text of each policy file, kept over restarts. */
export interface LastGood {
  /** The text saved for a file; absent when there is none that can be read. */
  load(file: string): Promise<string | undefined>;
  save(file: string, text: string): Promise<void>;
  forget(file: string): Promise<void>;
}

/** Keeps texts in a folder of their own, one file each, replaced atomically and readable only by its owner. */
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
    save: (file, text) => writePrivately(pathOf(file), JSON.stringify({ file, text })),
    forget: (file) => rm(pathOf(file), { force: true }),
  };
}
