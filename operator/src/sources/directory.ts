import { stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
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
import { type PolicyFiles, policyFilesOf } from './policy-files.ts';

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
  /** The time between two full reads, in ms; absent: 5000. */
  readonly rereadMs?: number;
  /** Finds the files; absent: `policyFilesOf`. */
  readonly findFiles?: typeof policyFilesOf;
}

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
 * Reads policies from the YAML and JSON files of a folder and of the folders below it. When a folder or a file cannot
 * be read, its policies stay and a problem is reported; an invalid file removes no policy. Names that start with a dot
 * and the state folder are ignored.
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
  findFiles = policyFilesOf,
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
  /** When every file is read the next time, also those with an unchanged mark. */
  let wholeAt = Number.NEGATIVE_INFINITY;
  let stopped = false;

  /** Reads the folder once. Resolves to the time until pending changes can be accepted, in ms. */
  async function readFolder(): Promise<number | undefined> {
    if (performance.now() >= wholeAt) {
      readings.clear();
      wholeAt = performance.now() + rereadMs;
    }
    const found = await findFiles(folder, stateFolder);
    await watchFolders(found.folders);
    const contents = await readFiles(found);
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

  /** The content of each file that exists or was accepted, and of each folder that cannot be read. */
  async function readFiles({ files: names, unreadable, outside }: PolicyFiles): Promise<Map<string, FileContent>> {
    const contents = new Map<string, FileContent>();
    for (const name of names) contents.set(name, await readFile(name));
    for (const [name, { message }] of unreadable) contents.set(name, { unreadable: message });
    for (const name of outside) contents.set(name, { unreadable: `it is a link to a folder outside of ${folder}` });
    const isHidden = (name: string) => [...unreadable.keys()].some((below) => name.startsWith(`${below}${sep}`));
    for (const name of files.keys()) if (!contents.has(name) && !isHidden(name)) contents.set(name, 'absent');
    if (state.synced || unreadable.size === 0) return contents;
    // At the start, the last valid texts of the files that are hidden now.
    for (const name of (await lastGood?.files()) ?? []) {
      if (isHidden(name)) contents.set(name, { unreadable: 'its folder cannot be read' });
    }
    return contents;
  }

  async function readFile(name: string): Promise<FileContent> {
    const path = join(folder, name);
    try {
      const { size, dev, ino, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
      const mark = [dev, ino, size, mtimeNs, ctimeNs].join(':');
      const known = readings.get(name);
      if (known?.mark === mark) return { text: known.text };
      const fresh = (await readBoundedFile(path, { within: folder, maxBytes: MAX_POLICY_FILE_BYTES })).toString();
      const accepted = files.get(name)?.content;
      const current = accepted && 'text' in accepted ? accepted.text : undefined;
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
      const accepted = files.get(name)?.content;
      files.delete(name);
      await lastGood?.forget(name).catch((error) => log.warn({ file: name, err: error }, 'cannot remove saved text'));
      if (accepted && 'text' in accepted) log.info({ file: name }, 'policy file was removed');
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

  /** Watches these folders, unless they are watched already. */
  async function watchFolders(folders: PolicyFiles['folders']): Promise<void> {
    const wanted = JSON.stringify([...folders].sort());
    if (wanted === watched) return;
    await watcher?.close();
    if (stopped) return;
    watched = wanted;
    const paths = [...folders.keys()].map((path) => join(folder, path));
    watcher = watch(paths, { ignoreInitial: true, depth: 1 });
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
    timer = setTimeout(() => void read(), inMs);
  }

  /**
   * Reads the folder; a call during a read causes one more read. Resolves to the time until pending changes can be
   * accepted.
   */
  function read(): Promise<number | undefined> {
    clearTimeout(timer);
    dueAt = Number.POSITIVE_INFINITY;
    again = true;
    reading ??= (async () => {
      let wait: number | undefined;
      while (again && !stopped) {
        again = false;
        wait = await readFolder().catch((error: Error) => {
          publish({ ...state, unreadable: `cannot read the folder ${folder}: ${error.message}` });
          return undefined;
        });
      }
      reading = undefined;
      wake(Math.max(0, Math.min(wait ?? rereadMs, wholeAt - performance.now())));
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
      wholeAt = Number.NEGATIVE_INFINITY;
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
