import { z } from 'zod';
import type { Aggregate, Shard } from '../../core/replication/aggregates.ts';
import { Shards, type ShardWrite } from '../../core/replication/shards.ts';
import { Backoff } from '../api/backoff.ts';
import { type KubeClient, KubeError } from '../api/client.ts';
import { FailureLog } from '../api/failure-log.ts';
import type { KubeObject } from '../api/object.ts';
import { CONFIG_MAPS, collectionPath, objectPath } from '../api/resource.ts';
import { type Sleep, systemSleep } from '../api/sleep.ts';

/** Size limit for the policies in one ConfigMap, in bytes. */
export const MAX_SHARD_BYTES = 256 * 1024;

const REQUEST_MS = 10_000;

const count = z.int().min(0);
const AgentsSchema = z
  .object({ matched: count, applied: count, rejected: count, stale: count, guarded: count })
  .partial({ guarded: true });
const BreakersSchema = z.object({ closed: count, open: count, halfOpen: count, shadowOpen: count });
const FallbackSchema = z.object({ optedIn: count, unused: count });
const RejectionSchema = z.object({ agent: z.string(), field: z.string(), message: z.string() });

const RowSchema = z.object({
  uid: z.string().max(64),
  generation: count,
  digest: z.string().max(64),
  agents: AgentsSchema.default({ matched: 0, applied: 0, rejected: 0, stale: 0 }),
  breakers: BreakersSchema.default({ closed: 0, open: 0, halfOpen: 0, shadowOpen: 0 }),
  fallback: FallbackSchema.default({ optedIn: 0, unused: 0 }),
  open: z.array(z.string()).max(100).default([]),
  rejections: z.array(RejectionSchema).max(100).default([]),
});

const DataSchema = z.object({
  replica: z.string(),
  boot: z.string(),
  sequence: z.coerce.number().int().min(0),
  policies: z.string(),
});

const some = (counts: object) => Object.values(counts).some((value) => value > 0);

/** Encodes an aggregate as one line of JSON, without counts that are zero or empty. */
export function encodeRow({ uid, generation, digest, counts }: Aggregate): string {
  const { agents, breakers, fallback, open, rejections } = counts;
  return JSON.stringify({
    uid,
    generation,
    digest,
    ...(some(agents) && { agents }),
    ...(some(breakers) && { breakers }),
    ...(some(fallback) && { fallback }),
    ...(open.length > 0 && { open }),
    ...(rejections.length > 0 && { rejections }),
  });
}

/** Parses a ConfigMap of a replica; throws when the data is invalid. */
export function readShard(object: KubeObject): Shard {
  const { replica, boot, sequence, policies } = DataSchema.parse((object as { data?: unknown }).data);
  const rows = policies.split('\n').map((line): Aggregate => {
    const { uid, generation, digest, ...counts } = RowSchema.parse(JSON.parse(line));
    return { uid, generation, digest, counts };
  });
  return { replica, boot, sequence, rows };
}

export interface PublisherOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  /** Prefix of the ConfigMap names, which end in a dash and a number. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly replica: string;
  readonly boot: string;
  /** Minimum time between two writes, in milliseconds; absent: 1 000. */
  readonly intervalMs?: number;
  /** Absent: that of the process. */
  readonly sleep?: Sleep | undefined;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/**
 * Stores the counts of this replica in its own ConfigMaps. Only changes are written, with at most one write a second.
 */
export class AggregatePublisher {
  readonly #options: PublisherOptions;
  readonly #shards = new Shards(MAX_SHARD_BYTES);
  readonly #stopping = new AbortController();
  readonly #failures: FailureLog;
  readonly #backoff = new Backoff(1_000, 30_000);
  #missing: ReadonlySet<number> = new Set();
  #sequence = 0;
  #running: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    this.#options = options;
    this.#failures = new FailureLog({
      what: 'the counts of this replica',
      done: 'stored',
      needs: 'the verbs list, watch, create, update and delete on configmaps',
      log: options.log,
    });
  }

  /** Sets the counts of a policy; an absent row removes the policy. */
  put(uid: string, row: Aggregate | undefined): void {
    this.#shards.set(uid, row && encodeRow(row));
    this.#wake();
  }

  /**
   * Compares the stored ConfigMaps of this replica with the expected ones. A ConfigMap that is missing in two
   * successive calls is stored again.
   */
  found(stored: readonly string[]): void {
    const missing = this.#shards.indices.filter((index) => !stored.includes(this.#name(index)));
    for (const index of missing) if (this.#missing.has(index)) this.#shards.lost(index);
    this.#missing = new Set(missing);
    this.#wake();
  }

  /** The names of the ConfigMaps of this replica. */
  get names(): readonly string[] {
    return this.#shards.indices.map((index) => this.#name(index));
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    const { client, namespace, log } = this.#options;
    const removed = this.names.map((name) => removeConfigMap(client, namespace, name, timeoutMs));
    for (const result of await Promise.allSettled(removed)) {
      if (result.status === 'fulfilled') continue;
      log.info({ reason: String(result.reason) }, 'a ConfigMap of this replica was not removed; the leader does that');
    }
  }

  #wake(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      if (this.#shards.next() && !this.#stopping.signal.aborted) this.#wake();
    });
  }

  async #run(): Promise<void> {
    const { sleep = systemSleep } = this.#options;
    const { signal } = this.#stopping;
    // Waits one turn, so that all updates of the current turn share one write.
    await new Promise((resolve) => setImmediate(resolve));
    for (let due = this.#shards.next(); due && !signal.aborted; due = this.#shards.next()) {
      let waitMs = this.#options.intervalMs ?? 1_000;
      try {
        await this.#store(due);
        this.#shards.stored(due);
        this.#backoff.reset();
        this.#failures.succeeded();
      } catch (error) {
        waitMs = this.#backoff.next(error instanceof KubeError ? error.retryAfterMs : undefined);
        this.#failures.failed(error as Error);
      }
      await sleep(waitMs, signal);
    }
  }

  async #store({ index, text }: ShardWrite): Promise<void> {
    const { client, namespace, labels, replica, boot } = this.#options;
    const name = this.#name(index);
    if (text === undefined) return removeConfigMap(client, namespace, name, REQUEST_MS);
    this.#sequence += 1;
    const body = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name, namespace, labels },
      data: { replica, boot, sequence: String(this.#sequence), policies: text },
    };
    const common = { body, timeoutMs: REQUEST_MS, keepAlive: true };
    try {
      await client.request(objectPath(CONFIG_MAPS, namespace, name), { ...common, method: 'PUT' });
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404) throw error;
      await client.request(collectionPath(CONFIG_MAPS, namespace), { ...common, method: 'POST' });
    }
  }

  #name(index: number): string {
    return `${this.#options.name}-${index}`;
  }
}

/** Deletes a ConfigMap. Succeeds when there is none. */
export async function removeConfigMap(
  client: KubeClient,
  namespace: string,
  name: string,
  timeoutMs: number,
): Promise<void> {
  try {
    await client.request(objectPath(CONFIG_MAPS, namespace, name), { method: 'DELETE', timeoutMs });
  } catch (error) {
    if (!(error instanceof KubeError) || error.status !== 404) throw error;
  }
}
