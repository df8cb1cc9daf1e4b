import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { type FSWatcher, watch } from 'chokidar';
import type { Logger } from 'pino';
import { readBoundedFile } from '../files/bounded-file.ts';
import type { Source, SourceState } from '../ports/source.ts';
import type { LocalOverrides } from '../stores/overrides.ts';
import {
  type AcceptedFile,
  type FileContent,
  hasContent,
  keyOf,
  readableFile,
  removesObjects,
  unreadableFile,
} from './accepted-file.ts';
import { MAX_POLICY_FILE_BYTES, type ParsedFile, parsePolicyFile } from './file.ts';
import { FileObjects } from './file-objects.ts';
import { type LastGood, lastGoodFolder } from './last-good.ts';

export interface DirectoryOptions {
  readonly folder: string;
  /** Folder for the last valid text of each file over restarts; absent: in memory only. */
  readonly stateFolder?: string | undefined;
  readonly log: Logger;
  /** Overrides created through the admin API; absent: there are none. */
  readonly overrides?: Pick<LocalOverrides, 'list' | 'follow'>;
  /** The current time, in milliseconds since 1970; absent: the system clock. */
  readonly wallClock?: () => number;
  /** How long a new text must stay unchanged before it is accepted, in ms; absent: 60. */
  readonly settleMs?: number;
  /** The same time for a change that would remove policies; absent: 400. */
  readonly settleLossMs?: number;
  /** The time between two full reads without any file event, in ms; absent: 5000. */
  readonly rereadMs?: number;
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** The last reading of a file. While the file system reports the same mark, the text is unchanged. */
interface Reading {
  readonly mark: string;
  readonly text: string;
}

/** New content of a file, which is accepted when it stays unchanged. */
interface PendingFile {
  readonly content: FileContent;
  readonly since: number;
}

/**
 * Reads policies from a folder of YAML and JSON files. When the folder or a file cannot be read, its policies stay and
 * a problem is reported; an invalid file removes no policy. Subfolders and names that start with a dot are ignored.
 *
 * An override in a file counts as created when it is first read. A file has no generation and no stable creation time,
 * so `generation` and `createdAt` are 0: between two policies of the same precedence, the name decides.
 */
export function directorySource({
  folder,
  stateFolder,
  log,
  overrides: local,
  wallClock = Date.now,
  settleMs = 60,
  settleLossMs = 400,
  rereadMs = 5_000,
}: DirectoryOptions): Source {
  const lastGood: LastGood | undefined = stateFolder === undefined ? undefined : lastGoodFolder(stateFolder);
  const files = new Map<string, AcceptedFile>();
  const pending = new Map<string, PendingFile>();
  const readings = new Map<string, Reading>();
  const objects = new FileObjects();
  let state: SourceState = { synced: false, policies: new Map(), overrides: new Map(), problems: [] };
  let changed: () => void = () => {};
  let watcher: FSWatcher | undefined;
  let watched: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let reading: Promise<number | undefined> | undefined;
  let again = false;
  let wholly = false;
  let stopped = false;

  /**
   * Reads the folder once. Resolves to the time until pending changes can be accepted, in ms.
   *
   * @param whole whether to read every file, including those with an unchanged mark.
   */
  async function readFolder(whole: boolean): Promise<number | undefined> {
    if (whole) readings.clear();
    let names: string[];
    let identity: string;
    try {
      const found = await stat(folder);
      identity = `${found.dev}:${found.ino}`;
      names = (await readdir(folder)).filter((name) => !name.startsWith('.') && EXTENSIONS.has(extname(name)));
    } catch (error) {
      publish({ ...state, unreadable: `cannot read the folder ${folder}: ${(error as Error).message}` });
      return undefined;
    }
    if (identity !== watched) await rewatch(identity);
    const contents = new Map<string, FileContent>();
    for (const name of names.sort()) contents.set(name, await readFile(name));
    for (const name of files.keys()) if (!contents.has(name)) contents.set(name, 'absent');
    let wait: number | undefined;
    let changes = !state.synced || state.unreadable !== undefined;
    const now = performance.now();
    for (const [name, content] of contents) {
      const file = files.get(name);
      if (hasContent(file, content)) {
        pending.delete(name);
        continue;
      }
      const before = pending.get(name);
      const since = before && isDeepStrictEqual(before.content, content) ? before.since : now;
      const needed = state.synced ? (removesObjects(file, content) ? settleLossMs : settleMs) : 0;
      if (now - since >= needed) {
        pending.delete(name);
        await accept(name, content);
        changes = true;
      } else {
        pending.set(name, { content, since });
        wait = Math.max(1, Math.min(wait ?? needed, needed - (now - since)));
      }
    }
    if (changes) publish(combine());
    return wait;
  }

  async function readFile(name: string): Promise<FileContent> {
    const path = join(folder, name);
    try {
      const { size, dev, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const mark = [dev, ino, size, mtimeNs, ctimeNs].join(':');
      const known = readings.get(name);
      if (known?.mark === mark) return { text: known.text };
      const fresh = (await readBoundedFile(path, { within: folder, maxBytes: MAX_POLICY_FILE_BYTES })).toString();
      const current = files.get(name)?.text;
      // Reuses the equal string, because files may be several megabytes long.
      const text = fresh === current ? current : fresh;
      // A very recent file is not cached, because it may be written again within one tick of the file system's clock.
      if (wallClock() - Number(ctimeNs / 1_000_000n) > STILL_MS) readings.set(name, { mark, text });
      return { text };
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? 'absent' : { unreadable: message };
    }
  }

  async function accept(name: string, content: FileContent): Promise<void> {
    if (content === 'absent') {
      files.delete(name);
      await lastGood?.forget(name).catch((error) => log.warn({ file: name, err: error }, 'cannot remove saved text'));
      log.info({ file: name }, 'policy file was removed');
      return;
    }
    if ('unreadable' in content) {
      files.set(name, unreadableFile(name, content.unreadable, await earlier(name)));
      return;
    }
    const { text } = content;
    const fresh = parsePolicyFile(text);
    for (const { namespace, name: policy, problems } of [...fresh.policies, ...fresh.overrides]) {
      for (const { line, field, message } of problems) {
        log.warn({ file: name, line, namespace, policy }, `policy file: ${field}: ${message}`);
      }
    }
    const isValid = fresh.problems.length === 0;
    files.set(name, readableFile(name, text, fresh, isValid ? undefined : await earlier(name)));
    if (!isValid) return;
    await lastGood
      ?.save(name, text)
      .catch((error) => log.warn({ file: name, err: error }, 'cannot save the last good text'));
  }

  /** The accepted objects of a file, or those of its last valid text before this process. */
  async function earlier(name: string): Promise<ParsedFile | undefined> {
    return files.get(name)?.parsed ?? (await saved(name));
  }

  async function saved(name: string): Promise<ParsedFile | undefined> {
    const text = await lastGood?.load(name);
    return text === undefined ? undefined : parsePolicyFile(text);
  }

  function combine(): SourceState {
    const combined = objects.combine(files, state, wallClock());
    for (const one of local?.list() ?? []) combined.overrides.set(keyOf(one), one);
    return { synced: true, ...combined };
  }

  function publish(next: SourceState): void {
    const same =
      state.synced === next.synced &&
      state.unreadable === next.unreadable &&
      JSON.stringify(state.problems) === JSON.stringify(next.problems) &&
      state.policies.size === next.policies.size &&
      [...next.policies].every(([key, policy]) => state.policies.get(key) === policy) &&
      state.overrides?.size === next.overrides?.size &&
      [...(next.overrides ?? [])].every(([key, override]) => state.overrides?.get(key) === override);
    const reported = new Set(state.problems.map((problem) => JSON.stringify(problem)));
    for (const problem of next.problems) {
      if (reported.has(JSON.stringify(problem))) continue;
      log.warn({ file: problem.where, line: problem.line }, `policy file: ${problem.message}`);
    }
    if (next.unreadable !== undefined && state.unreadable === undefined) log.error(next.unreadable);
    if (next.unreadable === undefined && state.unreadable !== undefined)
      log.info({ folder }, 'the folder can be read again');
    state = next;
    if (!same) changed();
  }

  async function rewatch(identity: string): Promise<void> {
    await watcher?.close();
    if (stopped) return;
    watched = identity;
    watcher = watch(folder, { ignoreInitial: true, depth: 1 });
    watcher.on('all', () => wake(0));
    // Changes before the watch started cause no event, so the folder is read once more.
    watcher.on('ready', () => wake(0));
    watcher.on('error', (error) =>
      log.warn({ err: error }, 'the folder cannot be watched; it is read every few seconds'),
    );
  }

  /** Schedules a read after this time, unless an earlier one is scheduled. */
  function wake(inMs: number): void {
    const at = performance.now() + inMs;
    if (stopped || at >= dueAt) return;
    dueAt = at;
    clearTimeout(timer);
    timer = setTimeout(() => void read(inMs === rereadMs), inMs);
  }

  /**
   * Reads the folder; a call during a read causes one more read. Resolves to the time until pending changes can be
   * accepted.
   */
  function read(whole = true): Promise<number | undefined> {
    wholly ||= whole;
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
    again = true;
    reading ??= (async () => {
      let wait: number | undefined;
      while (again && !stopped) {
        again = false;
        const all = wholly;
        wholly = false;
        wait = await readFolder(all);
      }
      reading = undefined;
      wake(Math.min(wait ?? rereadMs, rereadMs));
      return wait;
    })();
    return reading;
  }

  return {
    kind: 'directory',
    start(notify) {
      changed = notify;
      local?.follow(() => publish(state.synced ? combine() : state));
      wake(0);
    },
    state: () => state,
    async refresh() {
      for (let wait = await read(); wait !== undefined && !stopped; wait = await read()) await sleep(wait);
      if (state.unreadable !== undefined) throw new Error(state.unreadable);
    },
    async stop() {
      stopped = true;
      clearTimeout(timer);
      await reading;
      clearTimeout(timer);
      await watcher?.close();
    },
  };
}

/** A file older than this whose times are unchanged has unchanged content. */
const STILL_MS = 2_000;
