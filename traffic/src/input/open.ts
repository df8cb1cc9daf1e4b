import { createReadStream, type ReadStream, statSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip } from 'node:zlib';
import { ReadError } from '../read-error.ts';

const BLOCK = 65_536;

/** Magic bytes of known file types other than text and gzip. */
const OTHERS: readonly (readonly [string, readonly number[]])[] = [
  ['a ZIP archive', [0x50, 0x4b, 0x03, 0x04]],
  ['compressed with zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['compressed with bzip2', [0x42, 0x5a, 0x68]],
  ['compressed with xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a]],
  ['a Parquet file', [0x50, 0x41, 0x52, 0x31]],
];

/** The size of a file. @throws ReadError when the file does not exist, is a folder or is empty. */
export function sizeOf(path: string): number {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path);
  } catch (error) {
    throw new ReadError(`${path} cannot be read: ${(error as Error).message}`);
  }
  if (found.isDirectory()) throw new ReadError(`${path} is a folder; name its files`);
  if (found.isFile() && found.size === 0) throw new ReadError(`${path} is empty: it holds no calls`);
  return found.size;
}

/**
 * Reads a file. It is decompressed when its first bytes are those of gzip, whatever its name. A truncated gzip file
 * yields its complete part.
 *
 * @param onBytes called with the number of stored bytes of each block.
 * @throws ReadError when the file is neither text nor gzip.
 */
export async function* openFile(path: string, onBytes: (bytes: number) => void): AsyncGenerator<Buffer> {
  const file = createReadStream(path, { highWaterMark: BLOCK });
  try {
    const first = await firstBlock(file);
    if (first === undefined) return;
    if (first[0] === 0x1f && first[1] === 0x8b) yield* unpacked(path, file, first, onBytes);
    else yield* plain(path, file, first, onBytes);
  } catch (error) {
    if (error instanceof ReadError) throw error;
    throw new ReadError(`${path} cannot be read: ${(error as Error).message}`);
  } finally {
    file.destroy();
  }
}

async function firstBlock(file: ReadStream): Promise<Buffer | undefined> {
  for await (const block of file.iterator({ destroyOnReturn: false })) return block as Buffer;
  return undefined;
}

async function* plain(path: string, file: ReadStream, first: Buffer, onBytes: (bytes: number) => void) {
  refuseOthers(path, first);
  onBytes(first.length);
  const bom = first[0] === 0xef && first[1] === 0xbb && first[2] === 0xbf;
  yield bom ? first.subarray(3) : first;
  for await (const block of file) {
    onBytes((block as Buffer).length);
    yield block as Buffer;
  }
}

async function* unpacked(path: string, file: ReadStream, first: Buffer, onBytes: (bytes: number) => void) {
  async function* stored() {
    onBytes(first.length);
    yield first;
    for await (const block of file) {
      onBytes((block as Buffer).length);
      yield block as Buffer;
    }
  }
  // With a final sync flush, truncated data yields everything that can be decompressed, and not only an error.
  const gunzip = createGunzip({ chunkSize: BLOCK, finishFlush: constants.Z_SYNC_FLUSH });
  const fed = pipeline(stored, gunzip).catch(() => undefined);
  let checked = false;
  try {
    for await (const block of gunzip) {
      if (!checked) refuseOthers(path, block as Buffer);
      checked = true;
      yield block as Buffer;
    }
  } finally {
    gunzip.destroy();
    await fed;
  }
}

function refuseOthers(path: string, first: Buffer): void {
  const other = OTHERS.find(([, magic]) => magic.every((byte, at) => first[at] === byte));
  if (other) throw new ReadError(`${path} is ${other[0]}; unpack it first, or give it as text or gzip`);
  if ((first[0] === 0xff && first[1] === 0xfe) || (first[0] === 0xfe && first[1] === 0xff)) {
    throw new ReadError(`${path} is text in UTF-16; convert it to UTF-8`);
  }
  if (first.subarray(0, 4096).includes(0)) {
    throw new ReadError(`${path} holds binary data; give a log, a trace or a table as text, or packed with gzip`);
  }
}
