import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_DURATION_MS, type OverrideSpec } from '@fuseboard/schema';
import { type FSWatcher, watch } from 'chokidar';
import type { Logger } from 'pino';
import { type Override, TOO_FAR } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import { readOverride } from '../core/policy/read-override.ts';
import { readBoundedFile } from '../files/bounded-file.ts';
import type { Source, SourceProblem, SourceState } from '../ports/source.ts';
import type { LocalOverrides } from '../stores/overrides.ts';
import { type FileOverride, type FilePolicy, MAX_POLICY_FILE_BYTES, type ParsedFile, parsePolicyFile } from './file.ts';
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

/** The result of reading a file: its text, an error, or its absence. */
type FileContent = { text: string } | { unreadable: string } | 'absent';

interface Content {
  /** The accepted text of the file. */
  text: string | undefined;
  parsed: ParsedFile;
  problems: readonly SourceProblem[];
}

/** The last read of a file. While the file system reports the same mark, the text is unchanged. */
interface FolderReading {
  readonly mark: string;
  readonly text: string;
}

interface PendingFile {
  sight: FileContent;
  since: number;
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
  const files = new Map<string, Content>();
  const doubts = new Map<string, PendingFile>();
  const readings = new Map<string, FolderReading>();
  /** The policy built from each parsed file policy, so that unchanged files cost almost nothing. */
  const made = new WeakMap<object, Policy>();
  const madeOverrides = new WeakMap<object, Override>();
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
  async function look(whole: boolean): Promise<number | undefined> {
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
    const sights = new Map<string, FileContent>();
    for (const name of names.sort()) sights.set(name, await see(name));
    for (const name of files.keys()) if (!sights.has(name)) sights.set(name, 'absent');
    let wait: number | undefined;
    let news = !state.synced || state.unreadable !== undefined;
    const now = performance.now();
    for (const [name, sight] of sights) {
      const held = files.get(name);
      if (sameContent(sight, held)) {
        doubts.delete(name);
        continue;
      }
      const doubt = doubts.get(name);
      const since = doubt && sameFileContent(doubt.sight, sight) ? doubt.since : now;
      const needed = state.synced ? (loses(sight, held) ? settleLossMs : settleMs) : 0;
      if (now - since >= needed) {
        doubts.delete(name);
        await believe(name, sight);
        news = true;
      } else {
        doubts.set(name, { sight, since });
        wait = Math.max(1, Math.min(wait ?? needed, needed - (now - since)));
      }
    }
    if (news) publish(compose());
    return wait;
  }

  async function see(name: string): Promise<FileContent> {
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

  async function believe(name: string, sight: FileContent): Promise<void> {
    const held = files.get(name);
    if (sight === 'absent') {
      files.delete(name);
      await lastGood?.forget(name).catch((error) => log.warn({ file: name, err: error }, 'cannot remove saved text'));
      log.info({ file: name }, 'policy file was removed');
      return;
    }
    if ('unreadable' in sight) {
      const parsed = held?.parsed ?? (await saved(name)) ?? NOTHING;
      const problems = [
        { where: name, message: `cannot be read: ${sight.unreadable}; its policies stay as they were` },
      ];
      files.set(name, { text: undefined, parsed, problems });
      return;
    }
    const fresh = parsePolicyFile(sight.text);
    const problems = fresh.problems.map(({ line, field, message }) => ({
      where: name,
      line,
      message: field === '' ? message : `${field}: ${message}`,
    }));
    for (const { namespace, name: policy, problems: mistakes } of [...fresh.policies, ...fresh.overrides]) {
      for (const { line, field, message } of mistakes) {
        log.warn({ file: name, line, namespace, policy }, `policy file: ${field}: ${message}`);
      }
    }
    if (problems.length === 0) {
      files.set(name, { text: sight.text, parsed: fresh, problems });
      await lastGood
        ?.save(name, sight.text)
        .catch((error) => log.warn({ file: name, err: error }, 'cannot save the last good text'));
      return;
    }
    const good = held?.parsed ?? (await saved(name)) ?? NOTHING;
    const merged = {
      ...fresh,
      policies: merge(fresh.policies, good.policies),
      overrides: merge(fresh.overrides, good.overrides),
    };
    files.set(name, { text: sight.text, parsed: merged, problems });
  }

  async function saved(name: string): Promise<ParsedFile | undefined> {
    const text = await lastGood?.load(name);
    return text === undefined ? undefined : parsePolicyFile(text);
  }

  /** Combines the policies of all files. Of two with the same name, the first by path wins. */
  function compose(): SourceState {
    const policies = new Map<string, Policy>();
    const overrides = new Map<string, Override>();
    const problems: SourceProblem[] = [];
    const names = [...files.keys()].sort();
    for (const name of names) {
      const { parsed, problems: mine } = files.get(name)!;
      problems.push(...mine);
      for (const one of parsed.overrides) {
        const key = keyOf(one);
        if (overrides.has(key)) {
          problems.push({
            where: name,
            line: one.line,
            message: `override ${key} is in another file too; remove one of the two`,
          });
          continue;
        }
        const known = state.overrides?.get(key);
        const next = madeOverrides.get(one) ?? fileOverride(one, wallClock(), known);
        madeOverrides.set(one, next);
        overrides.set(key, next);
      }
      for (const one of parsed.policies) {
        const { line } = one;
        const key = keyOf(one);
        if (policies.has(key)) {
          const owner = names.find((other) => files.get(other)!.parsed.policies.some((its) => keyOf(its) === key));
          problems.push({ where: name, line, message: `policy ${key} is already in ${owner}; remove one of the two` });
          continue;
        }
        const before = state.policies.get(key);
        let next = made.get(one);
        if (next === undefined) {
          next = policyOf(one);
          if (before && JSON.stringify(before) === JSON.stringify(next)) next = before;
          made.set(one, next);
        }
        policies.set(key, next);
      }
    }
    for (const one of local?.list() ?? []) overrides.set(keyOf(one), one);
    return { synced: true, policies, overrides, problems };
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
        wait = await look(all);
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
      local?.follow(() => publish(state.synced ? compose() : state));
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

const NOTHING: ParsedFile = { policies: [], overrides: [], problems: [], others: 0 };

function sameContent(sight: FileContent, held: Content | undefined): boolean {
  if (sight === 'absent') return held === undefined;
  if ('unreadable' in sight) return held?.problems[0]?.message.includes(sight.unreadable) ?? false;
  return held?.text === sight.text;
}

function sameFileContent(a: FileContent, b: FileContent): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether accepting this file content would remove known objects. */
function loses(sight: FileContent, held: Content | undefined): boolean {
  const before = held === undefined ? [] : [...held.parsed.policies, ...held.parsed.overrides];
  if (before.length === 0) return false;
  if (sight === 'absent') return true;
  if ('unreadable' in sight) return false;
  const { policies, overrides } = parsePolicyFile(sight.text);
  const next = new Set([...policies, ...overrides].map(keyOf));
  return before.some((one) => !next.has(keyOf(one)));
}

/** The content of a file with errors: its valid documents, and the earlier documents with other names. */
function merge<T extends { namespace: string; name: string }>(fresh: readonly T[], good: readonly T[]): T[] {
  const names = new Set(fresh.map(keyOf));
  return [...fresh, ...good.filter((one) => !names.has(keyOf(one)))];
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;

function policyOf({ namespace, name, spec, links, problems: mistakes }: FilePolicy): Policy {
  const uid = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 32);
  const problems = mistakes.map(({ field, message }) => ({ field, message }));
  return { uid, namespace, name, generation: 0, createdAt: 0, spec, problems, ...(links.length > 0 && { links }) };
}

/** Equal content is the same override, whenever it is read. */
function fileOverride({ namespace, name, override, problems }: FileOverride, now: number, known?: Override): Override {
  const identity = JSON.stringify(['override', namespace, name, override]);
  const uid = createHash('sha256').update(identity).digest('hex').slice(0, 32);
  const createdAt = known?.uid === uid ? known.createdAt : now;
  const read = readOverride({ uid, namespace, name, createdAt, spec: override, createdBy: 'a file' });
  const mistakes = problems.map(({ field, message }) => ({ field, message }));
  if (mistakes.length > 0) return { ...read, problems: mistakes };
  const far = Date.parse((override as OverrideSpec).expiresAt ?? '') - createdAt > MAX_DURATION_MS;
  return { ...read, problems: far ? [TOO_FAR] : [] };
}
