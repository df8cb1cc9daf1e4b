import { createHash, randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { isStoredSet, type StoredSet } from './messages.ts';
import { isBehind } from './policy-store.ts';
import type { Settings } from './settings/settings.ts';
import type { Timers } from './timers.ts';

const MAGIC = 'fuseboard last-good 1';
const MAX_BYTES = 8 * 1024 * 1024;
const QUIET_MS = 250;

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
  const whole = end !== -1 && text.slice(0, end) === `${MAGIC} ${checksum(body)}`;
  const set: unknown = whole && JSON.parse(body);
  return isStoredSet(set) ? { set } : { problem: `${path} is damaged and is not used; it will be replaced` };
}

const checksum = (text: string) => createHash('sha256').update(text).digest('hex');

/** Saves the newest set to a file, off the path of calls: after a quiet time, and one write at a time. */
export class LastGoodFile {
  readonly #path: string;
  readonly #timers: Timers;
  readonly #warn: (message: string) => void;
  #pending: { set: StoredSet; reset: boolean } | undefined;
  #cancel = () => {};
  #writing: Promise<void> = Promise.resolve();
  #warned = false;

  constructor(path: string, timers: Timers, warn: (message: string) => void) {
    this.#path = path;
    this.#timers = timers;
    this.#warn = warn;
  }

  /** Schedules a save of `set`. With `reset`, an older set may replace a newer one. */
  save(set: StoredSet, reset: boolean): void {
    const before = this.#pending?.reset ?? false;
    this.#pending = { set, reset: reset || before };
    this.#cancel();
    this.#cancel = this.#timers.after(QUIET_MS, () => void this.flush());
  }

  /** Writes a pending set; resolves when it is written, or when the write failed with a warning. */
  flush(): Promise<void> {
    this.#cancel();
    this.#writing = this.#writing.then(async () => {
      const pending = this.#pending;
      this.#pending = undefined;
      if (pending === undefined) return;
      try {
        await this.#write(pending.set, pending.reset);
        this.#warned = false;
      } catch (error) {
        if (!this.#warned) this.#warn(`the last good policies cannot be saved: ${(error as Error).message}`);
        this.#warned = true;
      }
    });
    return this.#writing;
  }

  async #write(set: StoredSet, reset: boolean): Promise<void> {
    const body = JSON.stringify(set);
    await mkdir(join(this.#path, '..'), { recursive: true, mode: 0o700 });
    if (!reset) {
      const { set: held } = readLastGood(this.#path);
      if (held !== undefined && isBehind(set.asOf, held.asOf)) return;
    }
    const temporary = `${this.#path}.${process.pid}.${randomBytes(6).toString('hex')}.tmp`;
    try {
      const file = await open(temporary, 'wx', 0o600);
      try {
        await file.writeFile(`${MAGIC} ${checksum(body)}\n${body}`);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(temporary, this.#path);
    } catch (error) {
      await unlink(temporary).catch(() => {});
      throw error;
    }
  }
}
