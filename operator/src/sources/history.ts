import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { HISTORY_LIMIT, type History, type Revision, type Rollback, RollbackRefusal } from '../core/history.ts';
import type { Policy } from '../core/policy.ts';

export interface LocalHistoryOptions {
  /** Where it is kept over restarts. Absent: in memory only. */
  readonly stateFolder?: string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly log: Logger;
}

const SavedSchema = z.object({
  policy: z.string(),
  revisions: z.array(z.object({ revision: z.int(), at: z.number(), spec: z.unknown() })),
});

/** The history of policies that are files: numbered by edits that were seen, one file each in the state folder. */
export function localHistory({ stateFolder, wallClock, log }: LocalHistoryOptions): History {
  const folder = stateFolder === undefined ? undefined : join(stateFolder, 'history');
  const known = new Map<string, readonly Revision[]>();
  let turn: Promise<void> = Promise.resolve();

  async function read(key: string): Promise<readonly Revision[]> {
    const held = known.get(key);
    if (held !== undefined || folder === undefined) return held ?? [];
    try {
      const saved = SavedSchema.parse(JSON.parse(await readFile(pathOf(folder, key), 'utf8')));
      return saved.policy === key ? saved.revisions : [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn({ policy: key, err: error }, 'the history of a policy cannot be read; it begins anew');
      }
      return [];
    }
  }

  async function add({ spec }: Policy, key: string): Promise<void> {
    const before = await read(key);
    const newest = before[0];
    known.set(key, before);
    if (newest !== undefined && JSON.stringify(newest.spec) === JSON.stringify(spec)) return;
    const next = [{ revision: (newest?.revision ?? 0) + 1, at: wallClock(), spec }, ...before].slice(0, HISTORY_LIMIT);
    known.set(key, next);
    if (folder !== undefined) await save(folder, key, next);
  }

  return {
    record(policy) {
      const key = keyOf(policy);
      turn = turn
        .then(() => add(policy, key))
        .catch((error) => log.warn({ policy: key, err: error }, 'the history of a policy cannot be kept'));
    },
    async list(policy) {
      await turn;
      return [...(await read(keyOf(policy)))];
    },
    stop: () => turn,
  };
}

/** Files are edited by whoever keeps them. */
export const noRollback: Rollback = {
  unable: fromFile,
  async apply(policy) {
    throw new RollbackRefusal(409, fromFile(policy));
  },
};

function fromFile({ namespace, name }: Policy): string {
  return `policy "${name}" in namespace "${namespace}" comes from a file; write the spec of the revision into it`;
}

const keyOf = ({ namespace, name }: Policy) => `${namespace}/${name}`;

const pathOf = (folder: string, key: string) =>
  join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);

async function save(folder: string, key: string, revisions: readonly Revision[]): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = join(folder, `.${randomUUID()}`);
  try {
    await writeFile(temporary, JSON.stringify({ policy: key, revisions }), { mode: 0o600, flush: true });
    await rename(temporary, pathOf(folder, key));
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
