import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { RecordSink } from './recorder.ts';

export interface RotatingFileOptions {
  readonly path: string;
  /** The size at which a file is moved away, in bytes. */
  readonly maxBytes: number;
  /** How many files there are at most, with the one that is written: `PATH`, `PATH.1` (the last before it), … */
  readonly files: number;
}

const packed = promisify(gzip);

/** Appends blocks to a file, each packed by itself, so that what is on the disk can be read at any time. */
export class RotatingGzipFile implements RecordSink {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #files: number;
  /** Undefined until the file was looked at. */
  #size: number | undefined;

  constructor({ path, maxBytes, files }: RotatingFileOptions) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#files = files;
  }

  async write(block: string): Promise<void> {
    // Packed on a thread of the pool; the event loop waits for nothing.
    const bytes = await packed(block);
    if (this.#size === undefined) {
      await mkdir(dirname(this.#path), { recursive: true });
      this.#size = await sizeOf(this.#path);
    }
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) await this.#rotate();
    try {
      // Readable by its owner only: names of breakers and keys may say something about users.
      await appendFile(this.#path, bytes, { mode: 0o600 });
      this.#size += bytes.length;
    } catch (error) {
      this.#size = undefined;
      throw error;
    }
  }

  writeSync(block: string): void {
    const bytes = gzipSync(block);
    if (this.#size === undefined) mkdirSync(dirname(this.#path), { recursive: true });
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    // Nothing is moved while the process ends; what no longer fits is left out, so that the bound holds.
    if (size + bytes.length <= this.#maxBytes) appendFileSync(this.#path, bytes, { mode: 0o600 });
  }

  async #rotate(): Promise<void> {
    if (this.#files === 1) await rm(this.#path, { force: true });
    for (let at = this.#files - 1; at > 0; at--) {
      await rename(at === 1 ? this.#path : `${this.#path}.${at - 1}`, `${this.#path}.${at}`).catch(ignoreMissing);
    }
    this.#size = 0;
  }
}

async function sizeOf(path: string): Promise<number> {
  const found = await stat(path).catch(ignoreMissing);
  return found?.size ?? 0;
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
  return undefined;
}
