import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../settings/settings.ts';
import { isStoredSet, type StoredSet } from './stored-set.ts';

const MAGIC = 'fuseboard last-good 1';
const MAX_BYTES = 8 * 1024 * 1024;

/** The result of a read: a set, nothing, or the problem of an unusable file. */
export type LastGoodRead = { readonly set?: StoredSet; readonly problem?: string };

/** The path for an agent's last good policies: one for each operator, namespace, service and labels. */
export function lastGoodPath(settings: Settings): string | undefined {
  const { cacheDir, url, namespace = '', service, labels } = settings;
  if (cacheDir === undefined || url === undefined) return undefined;
  const sorted = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  const identity = JSON.stringify([url.href, namespace, service, sorted]);
  return join(cacheDir, `fuseboard-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}.json`);
}

/** Reads the file synchronously; it must belong to `owner`, the user of this process. Never throws. */
export function readLastGood(path: string, owner = process.getuid?.()): LastGoodRead {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return {};
    return { problem: code === 'ELOOP' ? `${path} is a symbolic link and is not used` : message };
  }
  try {
    const reason = unusable(fstatSync(file), owner);
    return reason === undefined
      ? parse(readFileSync(file, 'utf8'), path)
      : { problem: `${path} ${reason} and is not used` };
  } catch (error) {
    return { problem: (error as Error).message };
  } finally {
    closeSync(file);
  }
}

/** Why a file is not used. Without users, as on Windows, only its kind and size count. */
function unusable(found: Stats, owner: number | undefined): string | undefined {
  if (!found.isFile()) return 'is not a file';
  if (found.size > MAX_BYTES) return `is larger than ${MAX_BYTES / 2 ** 20} MiB`;
  if (owner === undefined) return undefined;
  if (found.uid !== owner) return 'belongs to another user';
  if (found.nlink > 1) return 'has more than one name';
  // Its group may write it: Kubernetes allows that in volumes with an fsGroup.
  return found.mode & 0o002 ? 'can be written by everybody' : undefined;
}

function parse(text: string, path: string): LastGoodRead {
  const end = text.indexOf('\n');
  const body = text.slice(end + 1);
  const whole = end !== -1 && text.slice(0, end) === headOf(body);
  const set: unknown = whole && JSON.parse(body);
  return isStoredSet(set) ? { set } : { problem: `${path} is damaged and is not used; it will be replaced` };
}

/** The first line of the file, with the checksum of what follows. */
export const headOf = (body: string) => `${MAGIC} ${createHash('sha256').update(body).digest('hex')}`;
