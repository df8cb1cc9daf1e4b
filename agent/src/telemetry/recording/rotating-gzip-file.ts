import { appendFileSync, mkdirSync, statSync } from 'node:fs';
import { appendFile, mkdir, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { gzip, gzipSync } from 'node:zlib';
import type { RecordSink } from './record-options.ts';

export interface RotatingFileOptions {
  readonly path: string;
  /** The file size that starts a rotation, in bytes. */
  readonly maxBytes: number;
  /** Maximum number of files, including the current one: `PATH`, `PATH.1` (the previous one), … */
  readonly files: number;
}

const packed = promisify(gzip);

/** Appends blocks to a file. Each block is compressed separately, so that the file is readable at any time. */
export class RotatingGzipFile implements RecordSink {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #files: number;
  /** Size of the file; undefined until it was read. */
  #size: number | undefined;

  constructor({ path, maxBytes, files }: RotatingFileOptions) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#files = files;
  }

  async write(block: string): Promise<void> {
    // Compression runs in the thread pool and does not block the event loop.
    const bytes = await packed(block);
    if (this.#size === undefined) {
      await mkdir(dirname(this.#path), { recursive: true });
      this.#size = await sizeOf(this.#path);
    }
    if (this.#size > 0 && this.#size + bytes.length > this.#maxBytes) await this.#rotate();
    try {
      // Readable only by its owner, because names of breakers and keys may contain data about users.
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
    // Files are not rotated while the process ends. A block beyond the size limit is dropped.
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
