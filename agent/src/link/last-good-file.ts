import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { headOf, readLastGood } from './local/last-good.ts';
import type { StoredSet } from './local/stored-set.ts';
import { isBehind } from './policy-store.ts';
import type { Timers } from './timers.ts';

const QUIET_MS = 250;

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
        await file.writeFile(`${headOf(body)}\n${body}`);
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
