import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Policy } from '../core/policy/policy.ts';
import { readPrivateJson, writePrivately } from '../files/private-file.ts';
import { HISTORY_LIMIT, type History, type Revision } from '../ports/history.ts';
import type { EditPurpose, PolicyEditor } from '../ports/policy-editor.ts';
import { Problem } from '../ports/problem.ts';

export interface LocalHistoryOptions {
  /** Folder for persistence over restarts; absent: in memory only. */
  readonly stateFolder?: string | undefined;
  /** The current time, in milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly log: Logger;
}

const SavedSchema = z.object({
  policy: z.string(),
  revisions: z.array(z.object({ revision: z.int(), at: z.number(), spec: z.unknown() })),
});

/**
 * The history of file policies. Revisions are numbered by the observed edits; the state folder has one file for each
 * policy.
 */
export function localHistory({ stateFolder, wallClock, log }: LocalHistoryOptions): History {
  const folder = stateFolder === undefined ? undefined : join(stateFolder, 'history');
  const known = new Map<string, readonly Revision[]>();
  let lastWrite: Promise<void> = Promise.resolve();

  async function read(key: string): Promise<readonly Revision[]> {
    const held = known.get(key);
    if (held !== undefined || folder === undefined) return held ?? [];
    try {
      const saved = SavedSchema.parse(await readPrivateJson(pathOf(folder, key)));
      return saved.policy === key ? saved.revisions : [];
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
        log.warn({ policy: key, err: error }, 'the history of a policy cannot be read; it starts over');
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
    if (folder !== undefined)
      await writePrivately(pathOf(folder, key), JSON.stringify({ policy: key, revisions: next }));
  }

  return {
    record(policy) {
      const key = keyOf(policy);
      lastWrite = lastWrite
        .then(() => add(policy, key))
        .catch((error) => log.warn({ policy: key, err: error }, 'the history of a policy cannot be saved'));
    },
    forget(policy) {
      // Without a folder, the history exists only in memory, so it is kept in case the file returns.
      if (folder !== undefined) lastWrite = lastWrite.then(() => void known.delete(keyOf(policy)));
    },
    async list(policy) {
      await lastWrite;
      return [...(await read(keyOf(policy)))];
    },
    stop: () => lastWrite,
  };
}

/** File policies cannot be edited, because the operator does not write to the files. */
export const noPolicyEditor: PolicyEditor = {
  unable: fromFile,
  async replaceSpec(policy, _, purpose) {
    throw new Problem(409, fromFile(policy, purpose));
  },
};

function fromFile({ namespace, name }: Policy, purpose: EditPurpose): string {
  const what = purpose === 'rollback' ? 'the spec of the revision' : 'the thresholds';
  return `policy "${name}" in namespace "${namespace}" comes from a file; write ${what} into it`;
}

const keyOf = ({ namespace, name }: Policy) => `${namespace}/${name}`;

const pathOf = (folder: string, key: string) =>
  join(folder, `${createHash('sha256').update(key).digest('hex').slice(0, 32)}.json`);
