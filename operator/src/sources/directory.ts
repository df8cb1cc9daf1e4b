import { createHash } from 'node:crypto';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_DURATION_MS, type OverrideSpec } from '@fuseboard/schema';
import { type FSWatcher, watch } from 'chokidar';
import type { Logger } from 'pino';
import { type Override, readOverride } from '../core/policy/override.ts';
import type { Policy } from '../core/policy/policy.ts';
import { readBoundedFile } from '../files/bounded-file.ts';
import type { Source, SourceProblem, SourceState } from '../ports/source.ts';
import { type FileOverride, MAX_POLICY_FILE_BYTES, type ParsedFile, parsePolicyFile } from './file.ts';
import { type LastGood, lastGoodFolder } from './last-good.ts';
import { type LocalOverrides, TOO_FAR } from './overrides.ts';

export interface DirectoryOptions {
  readonly folder: string;
  /** Where the last good text of each file is kept over restarts. Absent: it is kept in memory only. */
  readonly stateFolder?: string;
  readonly log: Logger;
  /** What was made through the admin API. Absent: nothing is. */
  readonly overrides?: Pick<LocalOverrides, 'list' | 'follow'>;
  /** Wall clock, milliseconds since 1970. Absent: that of the process. */
  readonly wallClock?: () => number;
  /** How long a new text must stay the same before it is believed, in ms. Absent: 60. */
  readonly settleMs?: number;
  /** The same where policies would go away: a file that is missing, or holds fewer. Absent: 400. */
  readonly settleLossMs?: number;
  /** How often everything is read again although nothing was noticed, in ms. Absent: 5000. */
  readonly rereadMs?: number;
}

const EXTENSIONS = new Set(['.yaml', '.yml', '.json']);

/** What a look at a file found: its text, why it cannot be read, or that it is not there. */
type FileContent = { text: string } | { unreadable: string } | 'absent';

interface Content {
  /** What is believed of the file. */
  text: string | undefined;
  parsed: ParsedFile;
  problems: readonly SourceProblem[];
}

/** A file as it was when it was last read; while the file system shows the same mark, it has the same text. */
interface FolderReading {
  readonly mark: string;
  readonly text: string;
}

interface PendingFile {
  sight: FileContent;
  since: number;
}

/**
 * Policies from a folder of YAML and JSON files. If the folder or a file cannot be read, only the reported outage or
 * problem changes, and an invalid file removes no policy. Subfolders and names that begin with a dot are ignored.
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
  /** What became of a policy of a file, so that a file that stays as it is costs next to nothing. */
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
   * One look at everything; resolves to how long to wait for what is in doubt, in ms.
   *
   * @param whole reads every file, also those that look as they did.
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
      publish({ ...state, outage: `cannot read the folder ${folder}: ${(error as Error).message}` });
      return undefined;
    }
    if (identity !== watched) await rewatch(identity);
    const sights = new Map<string, FileContent>();
    for (const name of names.sort()) sights.set(name, await see(name));
    for (const name of files.keys()) if (!sights.has(name)) sights.set(name, 'absent');
    let wait: number | undefined;
    let news = !state.synced || state.outage !== undefined;
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
      // One string for what is the same: files hold up to megabytes.
      const text = fresh === current ? current : fresh;
      // A file that was written just now may be written again within the same tick of the file system's clock.
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

  /** The policies of all files, the first by path where two have the same name. */
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
        const { namespace, name: policy, line, spec, problems: mistakes } = one;
        const key = keyOf(one);
        if (policies.has(key)) {
          const owner = names.find((other) => files.get(other)!.parsed.policies.some((its) => keyOf(its) === key));
          problems.push({ where: name, line, message: `policy ${key} is already in ${owner}; remove one of the two` });
          continue;
        }
        const before = state.policies.get(key);
        let next = made.get(one);
        if (next === undefined) {
          next = policyOf(namespace, policy, spec, mistakes);
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
      state.outage === next.outage &&
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
    if (next.outage !== undefined && state.outage === undefined) log.error(next.outage);
    if (next.outage === undefined && state.outage !== undefined) log.info({ folder }, 'the folder can be read again');
    state = next;
    if (!same) changed();
  }

  async function rewatch(identity: string): Promise<void> {
    await watcher?.close();
    if (stopped) return;
    watched = identity;
    watcher = watch(folder, { ignoreInitial: true, depth: 1 });
    watcher.on('all', () => wake(0));
    // What changed before the watch began is in no event.
    watcher.on('ready', () => wake(0));
    watcher.on('error', (error) =>
      log.warn({ err: error }, 'the folder cannot be watched; it is read every few seconds'),
    );
  }

  /** Looks again in this time, or sooner when that was asked for already. */
  function wake(inMs: number): void {
    const at = performance.now() + inMs;
    if (stopped || at >= dueAt) return;
    dueAt = at;
    clearTimeout(timer);
    timer = setTimeout(() => void read(inMs === rereadMs), inMs);
  }

  /**
   * Looks at everything; asked for during a look, it looks once more. Resolves to how long something stays in doubt.
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
      if (state.outage !== undefined) throw new Error(state.outage);
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

/** The age from which a file's times prove that it has not changed. */
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

/** Whether accepting this would remove known objects. */
function loses(sight: FileContent, held: Content | undefined): boolean {
  const before = held === undefined ? [] : [...held.parsed.policies, ...held.parsed.overrides];
  if (before.length === 0) return false;
  if (sight === 'absent') return true;
  if ('unreadable' in sight) return false;
  const { policies, overrides } = parsePolicyFile(sight.text);
  const next = new Set([...policies, ...overrides].map(keyOf));
  return before.some((one) => !next.has(keyOf(one)));
}

/** The content of a file with errors: the documents that can be read, and earlier ones with other names. */
function merge<T extends { namespace: string; name: string }>(fresh: readonly T[], good: readonly T[]): T[] {
  const names = new Set(fresh.map(keyOf));
  return [...fresh, ...good.filter((one) => !names.has(keyOf(one)))];
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }) => `${namespace}/${name}`;

function policyOf(namespace: string, name: string, spec: Policy['spec'], mistakes: Policy['problems']): Policy {
  const uid = createHash('sha256').update(`${namespace}/${name}`).digest('hex').slice(0, 32);
  const problems = mistakes.map(({ field, message }) => ({ field, message }));
  return { uid, namespace, name, generation: 0, createdAt: 0, spec, problems };
}

/** The same content is the same override, whenever it is read. */
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
