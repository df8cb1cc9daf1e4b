import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { MAX_DURATION_MS, type SpecProblem } from '@fuseboard/schema';
import type { Logger } from 'pino';
import { z } from 'zod';
import { type Override, TOO_FAR } from '../core/policy/override.ts';
import { readOverride } from '../core/policy/read-override.ts';
import { readPrivateJson, writePrivately } from '../files/private-file.ts';
import type { OverrideStore } from '../ports/override-store.ts';
import { Problem } from '../ports/problem.ts';

export interface LocalOverridesOptions {
  /** Folder for persistence over restarts; absent: in memory only. */
  readonly stateFolder?: string | undefined;
  /** The current time, in milliseconds since 1970. */
  readonly wallClock: () => number;
  readonly log: Logger;
}

/** Overrides created through the admin API of an operator without a cluster. */
export interface LocalOverrides extends OverrideStore {
  list(): readonly Override[];
  /** Sets the listener that is called after every change. */
  follow(changed: () => void): void;
}

const PAST: SpecProblem = {
  field: 'spec.expiresAt',
  message: 'lies in the past; an override must end later than it begins',
};

const SavedSchema = z.array(
  z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    createdAt: z.number(),
    createdBy: z.string().optional(),
    spec: z.unknown(),
  }),
);

/** Loads the stored overrides of the folder, if there is one. An unreadable store is logged once and ignored. */
export async function localOverrides({ stateFolder, wallClock, log }: LocalOverridesOptions): Promise<LocalOverrides> {
  const path = stateFolder === undefined ? undefined : join(stateFolder, 'overrides.json');
  let held: readonly Override[] = path === undefined ? [] : await load(path, log);
  let changed = () => {};

  /** Changes run one after the other, each on the result of the previous one. */
  let lastWrite: Promise<unknown> = Promise.resolve();
  const change = (make: (before: readonly Override[]) => readonly Override[]): Promise<void> => {
    const done = lastWrite.then(async () => {
      const next = make(held);
      if (path !== undefined) await save(path, next);
      held = next;
      changed();
    });
    lastWrite = done.catch(() => {});
    return done;
  };

  return {
    list: () => held,
    follow(listener) {
      changed = listener;
    },
    async create({ namespace, spec, createdBy }) {
      const now = wallClock();
      const made = readOverride({
        uid: randomUUID(),
        namespace,
        name: `override-${now.toString(36)}-${randomUUID().slice(0, 4)}`,
        createdAt: now,
        spec,
        createdBy,
      });
      const end = Date.parse(spec.expiresAt ?? '');
      const problem = made.problems[0] ?? (end <= now ? PAST : end - now > MAX_DURATION_MS ? TOO_FAR : undefined);
      if (problem) throw new Problem(422, `${problem.field}: ${problem.message}`);
      await change((before) => [...before, made]);
      return made;
    },
    async remove({ uid, name, inFile }) {
      if (inFile) {
        throw new Problem(409, `override "${name}" is in a file of the policies; remove it there`);
      }
      await change((before) => before.filter((one) => one.uid !== uid));
    },
  };
}

async function load(path: string, log: Logger): Promise<Override[]> {
  try {
    return SavedSchema.parse(await readPrivateJson(path)).map(readOverride);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      log.warn({ err: error }, `the overrides in ${path} cannot be read; they do not apply`);
    }
    return [];
  }
}

function save(path: string, overrides: readonly Override[]): Promise<void> {
  const kept = overrides.map(({ uid, namespace, name, createdAt, createdBy, spec }) => ({
    uid,
    namespace,
    name,
    createdAt,
    createdBy,
    spec,
  }));
  return writePrivately(path, JSON.stringify(kept));
}
