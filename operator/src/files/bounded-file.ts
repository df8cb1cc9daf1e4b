import { closeSync, constants, fstatSync, openSync, readSync, realpathSync, type Stats, statSync } from 'node:fs';
import { open, realpath, stat } from 'node:fs/promises';
import { dirname, sep } from 'node:path';

export interface BoundedFileOptions {
  /** A larger file is not read. Absent: 1 MiB. */
  readonly maxBytes?: number;
  /**
   * The required protection of the file. `given`: none, because the user named it. `secret`: other users must not be
   * able to write it. `own`, for files that this process wrote: also no symbolic link, no second hard link, and owned
   * by the user of this process. Absent: `given`.
   */
  readonly trust?: 'given' | 'secret' | 'own';
  /**
   * The folder that must contain the target of symbolic links, as in mounted ConfigMaps. Absent: any.
   */
  readonly within?: string;
}

const DEFAULT_MAX_BYTES = 1024 * 1024;

/** With these flags, opening a FIFO or a terminal does not block. */
const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reads a regular file of bounded size. It never blocks on a FIFO or a device, and fails when the file grows while it
 * is read.
 *
 * @throws when there is no such file, or it is not protected as required; the message names the path and says what to
 *   do. An error of the system has its `code`.
 */
export async function readBoundedFile(path: string, options: BoundedFileOptions = {}): Promise<Buffer> {
  if (options.within !== undefined) checkWithin(path, await realpath(path), await realpath(options.within));
  check(path, await stat(path), options);
  const handle = await open(path, flagsOf(options));
  try {
    const maxBytes = check(path, await handle.stat(), options);
    const buffer = Buffer.allocUnsafe(roomFor(await handle.stat(), maxBytes));
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return taken(path, buffer, length);
  } finally {
    await handle.close();
  }
}

/** Like `readBoundedFile`, for the start, before anything is served. */
export function readBoundedFileSync(path: string, options: BoundedFileOptions = {}): Buffer {
  if (options.within !== undefined) checkWithin(path, realpathSync(path), realpathSync(options.within));
  check(path, statSync(path), options);
  const handle = openSync(path, flagsOf(options));
  try {
    const maxBytes = check(path, fstatSync(handle), options);
    const buffer = Buffer.allocUnsafe(roomFor(fstatSync(handle), maxBytes));
    let length = 0;
    while (length < buffer.length) {
      const bytesRead = readSync(handle, buffer, length, buffer.length - length, null);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return taken(path, buffer, length);
  } finally {
    closeSync(handle);
  }
}

const flagsOf = ({ trust }: BoundedFileOptions) => (trust === 'own' ? FLAGS | constants.O_NOFOLLOW : FLAGS);

/** One byte more than the size, so that growth is noticed. */
const roomFor = ({ size }: Stats, maxBytes: number) => Math.min(size, maxBytes) + 1;

function taken(path: string, buffer: Buffer, length: number): Buffer {
  if (length === buffer.length) throw new Error(`${path} grew while it was read; it is read again later`);
  return buffer.subarray(0, length);
}

function checkWithin(path: string, real: string, folder: string): void {
  if (dirname(real) === folder || real.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)) return;
  throw new Error(`${path} is a link to ${real}, outside of ${folder}; put the file itself there`);
}

/** Checks the protection of a file. Returns the maximum size. */
function check(
  path: string,
  found: Stats,
  { trust = 'given', maxBytes = DEFAULT_MAX_BYTES }: BoundedFileOptions,
): number {
  if (!found.isFile()) throw new Error(`${path} is ${kindOf(found)}; only a regular file is read`);
  if (found.size > maxBytes) throw new Error(`${path} has ${found.size} bytes; the limit is ${maxBytes}`);
  if (trust !== 'given' && (found.mode & 0o002) !== 0) {
    throw new Error(`${path} can be written by everybody; take that away with chmod o-w`);
  }
  if (trust !== 'own') return maxBytes;
  const uid = process.getuid?.();
  if (uid !== undefined && found.uid !== uid) {
    throw new Error(`${path} belongs to user ${found.uid}, not to user ${uid} of this process; remove it`);
  }
  if ((found.mode & 0o020) !== 0) throw new Error(`${path} can be written by its group; take that away with chmod g-w`);
  if (found.nlink > 1) throw new Error(`${path} has ${found.nlink} hard links; it must have one name; remove it`);
  return maxBytes;
}

function kindOf(found: Stats): string {
  if (found.isDirectory()) return 'a folder';
  if (found.isFIFO()) return 'a FIFO';
  if (found.isSocket()) return 'a socket';
  return 'a device';
}
