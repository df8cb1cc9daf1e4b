import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OVERRIDE_ACTIONS } from '@fuseboard/schema';
import type { Logger } from 'pino';
import { z } from 'zod';
import { LIMITS } from '../core/limits/limits.ts';
import type { OutageKey, SavedOutage } from '../core/outages/saved-outage.ts';
import { SERIES_COLUMNS, SERIES_SLOTS } from '../core/outages/series.ts';
import { readPrivateJson, writePrivately } from '../files/private-file.ts';
import type { OutageStore } from '../ports/outage-store.ts';

export interface LocalOutagesOptions {
  readonly stateFolder: string;
  readonly log: Logger;
}

const count = z.int().nonnegative();

const SavedSchema = z.object({
  ...{ id: z.string(), namespace: z.string(), breakerId: z.string(), uid: z.string(), breaker: z.string() },
  ...{ instance: z.string(), reason: z.string().optional(), error: z.string().optional() },
  ...{ began: z.number(), closed: z.number().optional(), heard: z.number(), over: z.boolean() },
  ...{ refused: count, fallback: count, attempts: count, reopened: count, mostHit: count, mostHitOf: count },
  services: z.array(z.object({ service: z.string(), hit: count, agents: count })),
  actions: z.array(
    z.object({
      ...{ uid: z.string(), at: z.number(), action: z.enum(OVERRIDE_ACTIONS) },
      ...{ reason: z.string().optional(), by: z.string().optional() },
    }),
  ),
  series: z
    .object({
      begin: z.number(),
      slotMs: z.int().positive(),
      values: z.array(count),
      reported: z.array(z.int().min(0).max(1)).max(SERIES_SLOTS),
    })
    .refine(({ values, reported }) => values.length === reported.length * SERIES_COLUMNS.length),
});

/**
 * Outages in a state folder, one file each, as many as the operator keeps. Files are written one after the other, and
 * of an outage that changes faster only the newest content.
 */
export function localOutages({ stateFolder, log }: LocalOutagesOptions): OutageStore {
  const folder = join(stateFolder, 'outages');
  /** What is to be done with the file of an outage: its content, or undefined to remove it. */
  const waiting = new Map<string, SavedOutage | undefined>();
  let writing: Promise<void> | undefined;
  let failing = false;

  async function write(): Promise<void> {
    for (let next = first(waiting); next !== undefined; next = first(waiting)) {
      const [name, outage] = next;
      waiting.delete(name);
      const path = join(folder, name);
      try {
        if (outage === undefined) await rm(path, { force: true });
        else await writePrivately(path, JSON.stringify(outage));
        if (failing) log.info('outages are saved again');
        failing = false;
      } catch (error) {
        if (!failing) log.warn({ err: error }, 'outages cannot be saved; a restart of the operator loses them');
        failing = true;
      }
    }
    writing = undefined;
  }

  const put = (key: OutageKey, outage: SavedOutage | undefined) => {
    waiting.set(nameOf(key), outage);
    writing ??= write();
  };

  return {
    async load() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') log.warn({ err: error }, 'the outages before the start cannot be read');
        return [];
      });
      const found: SavedOutage[] = [];
      let unreadable = 0;
      for (const name of names) {
        const path = join(folder, name);
        // A write that a crash cut off.
        if (name.startsWith('.')) await rm(path, { force: true }).catch(() => {});
        if (!NAME.test(name)) continue;
        if (found.length >= LIMITS.outages.value) {
          await rm(path, { force: true }).catch(() => {});
          continue;
        }
        try {
          found.push(SavedSchema.parse(await readPrivateJson(path)));
        } catch (error) {
          unreadable += 1;
          if (unreadable === 1) log.warn({ err: error, path }, 'an outage cannot be read; it is left out');
          if (error instanceof SyntaxError || error instanceof z.ZodError)
            await rm(path, { force: true }).catch(() => {});
        }
      }
      return found;
    },
    save: (outage) => put(outage, outage),
    remove: (key) => put(key, undefined),
    async stop() {
      while (writing !== undefined) await writing;
    },
  };
}

const NAME = /^[0-9a-f]{32}\.json$/;

const nameOf = ({ namespace, id }: OutageKey) =>
  `${createHash('sha256').update(`${namespace}/${id}`).digest('hex').slice(0, 32)}.json`;

const first = <K, V>(map: ReadonlyMap<K, V>): [K, V] | undefined => map.entries().next().value;
