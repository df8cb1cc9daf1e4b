import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { GROUP, KIND, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Policy } from '../../core/policy/policy.ts';
import { HISTORY_LIMIT, type History, type Revision } from '../../ports/history.ts';
import { Backoff } from '../api/backoff.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { FailureLog } from '../api/failure-log.ts';
import { listAll } from '../api/list.ts';
import { type KubeObject, nameStart } from '../api/object.ts';
import { CONTROLLER_REVISIONS, collectionPath, objectPath } from '../api/resource.ts';
import { systemSleep } from '../api/sleep.ts';
import { FailingKeys } from './failing-keys.ts';
import { WriteQueue } from './write-queue.ts';

/** The label with the uid of a revision's policy. */
const OF = `${GROUP}/policy-uid`;
/** The label with the number of a revision, for reads of metadata only. */
const NUMBER = `${GROUP}/revision`;

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** The limit keeps a start with thousands of policies from becoming a storm of writes. */
const WRITES_PER_SECOND = 20;
/**
 * Statuses that reject one revision: because of its content, a quota, an admission plugin or a terminating namespace.
 */
const REFUSALS: readonly number[] = [400, 403, 413, 422];
const REQUEST_MS = 10_000;

export interface KubernetesHistoryOptions {
  readonly kubeConfig: KubeConfig;
  /** Namespaces to read; absent or empty: all namespaces. */
  readonly namespaces?: readonly string[];
  /** Whether this process may write now. Only one of several replicas may. */
  readonly leading: () => boolean;
  /** Maximum number of writes per second; absent: 20. */
  readonly perSecond?: number;
  /** The delay before a failed revision is stored again, in milliseconds; it doubles. Absent: 1 000. */
  readonly retryMs?: number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** The uid of the policy that owns an object. A label is not sufficient, because any object can have it. */
function ownerOf(metadata: object): string | undefined {
  const { ownerReferences = [] } = metadata as { ownerReferences?: readonly OwnerReference[] };
  const found = ownerReferences.find(
    ({ apiVersion, kind, controller }) => apiVersion.startsWith(`${GROUP}/`) && kind === KIND && controller === true,
  );
  return found?.uid;
}

interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly uid: string;
  readonly controller?: boolean;
}

interface StoredRevision {
  readonly namespace: string;
  readonly name: string;
  readonly revision: number;
}

/**
 * The history of policies as ControllerRevision objects, like the history of StatefulSets. A revision is owned by its
 * policy, numbered by the policy's generation and named by a hash, so that a repeated write has no effect. Needs the
 * verbs list, create and delete on `controllerrevisions` of `apps`.
 */
export class KubernetesHistory implements History {
  readonly #options: KubernetesHistoryOptions;
  readonly #client: KubeClient;
  readonly #failures: FailureLog;
  #failing = new FailingKeys();
  readonly #backoff = new Backoff(1_000, 60_000);
  readonly #stopping = new AbortController();
  /** Policies to record, by uid. */
  #queue: WriteQueue<Policy>;
  /** Ends the wait for the next due write. */
  #wake = () => {};
  /** Stored revisions by uid of the policy; absent until they were read. */
  #stored: Map<string, StoredRevision[]> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: KubernetesHistoryOptions) {
    this.#options = options;
    this.#client = new KubeClient(options.kubeConfig);
    this.#queue = this.#emptyQueue();
    this.#failures = new FailureLog({
      what: 'the history of policies',
      done: 'kept',
      needs: 'the verbs list, create and delete on controllerrevisions of the group apps',
      log: options.log,
    });
  }

  record(policy: Policy): void {
    if (!this.#options.leading()) this.#stored = undefined;
    if (!this.#options.leading() || this.#stopping.signal.aborted) return;
    this.#queue.put(policy.uid, policy, 0, { version: policy.generation });
    this.#wake();
    this.#start();
  }

  #start(): void {
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
      // A policy that was recorded between the last look at the queue and here.
      if (this.#queue.waiting > 0 && !this.#stopping.signal.aborted) this.#start();
    });
  }

  forget({ uid }: Policy): void {
    this.#queue.drop(uid);
    this.#stored?.delete(uid);
    this.#ended(uid);
    this.#wake();
  }

  async list({ uid, namespace }: Policy): Promise<Revision[]> {
    const found = await this.#list(namespace, `${OF}=${uid}`);
    return found
      .filter(({ metadata }) => metadata.namespace === namespace && ownerOf(metadata) === uid)
      .map((object) => {
        const { metadata, data, revision } = object as KubeObject & { data?: { spec?: unknown }; revision?: number };
        const at = Date.parse(metadata.creationTimestamp ?? '') || 0;
        return { revision: revision ?? 0, at, spec: data?.spec };
      })
      .sort((a, b) => b.revision - a.revision);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#wake();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      if (!this.#options.leading()) {
        // The next leader reads the stored revisions and records the missing ones.
        this.#queue = this.#emptyQueue();
        this.#stored = undefined;
        return;
      }
      try {
        this.#stored ??= await this.#readAll();
      } catch (error) {
        this.#failures.failed(error as Error);
        const waitMs = this.#backoff.next(error instanceof KubeError ? error.retryAfterMs : undefined);
        await systemSleep(waitMs, signal);
        continue;
      }
      const due = this.#queue.take(performance.now());
      if (due === undefined) return;
      if (typeof due === 'number') await this.#pause(due);
      else await this.#perform(due.key, due.item, this.#stored);
    }
  }

  async #readAll(): Promise<Map<string, StoredRevision[]>> {
    const stored = await this.#readStored();
    this.#backoff.reset();
    this.#failures.succeeded();
    return stored;
  }

  /** Records one policy. A failed policy is queued again with its own delay, so that it does not block the others. */
  async #perform(uid: string, policy: Policy, stored: Map<string, StoredRevision[]>): Promise<void> {
    try {
      const written = await this.#store(policy, stored);
      // The policy may have been deleted during the write.
      if (!this.#queue.isActive(uid)) stored.delete(uid);
      this.#ended(uid);
      if (written) return this.#queue.done(uid);
      this.#queue.skipped(uid);
      // Yields to other work, because thousands of revisions may already be stored.
      await nextTurn();
    } catch (error) {
      const { status, retryAfterMs } = error instanceof KubeError ? error : {};
      // The namespace no longer exists.
      if (status === 404) {
        this.#queue.done(uid);
        this.#ended(uid);
        return;
      }
      const refused = status !== undefined && REFUSALS.includes(status);
      if (!this.#queue.failed(uid, policy, performance.now(), { askedMs: retryAfterMs, refused })) return;
      if (this.#failing.failed(uid, String(status))) this.#failures.failed(error as Error);
    }
  }

  #ended(uid: string): void {
    if (this.#failing.ended(uid)) this.#failures.succeeded();
  }

  #emptyQueue(): WriteQueue<Policy> {
    this.#failing = new FailingKeys();
    const { perSecond = WRITES_PER_SECOND, retryMs } = this.#options;
    return new WriteQueue({ perSecond, retryMs });
  }

  /** Waits for `ms`, or until the queue changes. */
  async #pause(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.ceil(ms));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
  }

  async #readStored(): Promise<Map<string, StoredRevision[]>> {
    const { namespaces } = this.#options;
    const kept = new Map<string, StoredRevision[]>();
    for (const place of namespaces?.length ? namespaces : [undefined]) {
      for (const { metadata } of await this.#list(place, OF, METADATA_ONLY)) {
        const labels = (metadata as { labels?: Record<string, string> }).labels ?? {};
        const { namespace, name } = metadata;
        const uid = labels[OF]!;
        if (ownerOf(metadata) !== uid) continue;
        kept.set(uid, [...(kept.get(uid) ?? []), { namespace, name, revision: Number(labels[NUMBER]) || 0 }]);
      }
    }
    return kept;
  }

  /** Stores a revision of a policy unless it is stored already; returns whether it was written. */
  async #store(policy: Policy, all: Map<string, StoredRevision[]>): Promise<boolean> {
    const { uid, namespace, name: owner, generation, spec } = policy;
    const hash = createHash('sha256')
      .update(JSON.stringify([uid, generation, spec]))
      .digest('hex')
      .slice(0, 10);
    const name = `${nameStart(owner, 200)}-${hash}`;
    // A uid belongs to one policy in one namespace. An object with this label in another namespace is not its revision.
    const kept = (all.get(uid) ?? []).filter((one) => one.namespace === namespace);
    if (kept.some((one) => one.name === name)) return false;
    const body = {
      apiVersion: 'apps/v1',
      kind: 'ControllerRevision',
      metadata: {
        name,
        namespace,
        labels: { [OF]: uid, [NUMBER]: String(generation) },
        ownerReferences: [{ apiVersion: `${GROUP}/${VERSION}`, kind: KIND, name: owner, uid, controller: true }],
      },
      data: { spec },
      revision: generation,
    };
    await this.#client
      .request(collectionPath(CONTROLLER_REVISIONS, namespace), { method: 'POST', body, timeoutMs: REQUEST_MS })
      .catch((error) => {
        if (!(error instanceof KubeError) || error.status !== 409) throw error;
      });
    const sorted = [...kept, { namespace, name, revision: generation }].sort((a, b) => b.revision - a.revision);
    all.set(uid, sorted);
    for (const old of sorted.slice(HISTORY_LIMIT)) {
      await this.#client
        .request(objectPath(CONTROLLER_REVISIONS, old.namespace, old.name), { method: 'DELETE', timeoutMs: REQUEST_MS })
        .catch((error) => {
          if (!(error instanceof KubeError) || error.status !== 404) throw error;
        });
      all.set(
        uid,
        all.get(uid)!.filter((one) => one !== old),
      );
    }
    return true;
  }

  #list(namespace: string | undefined, labelSelector: string, accept = 'application/json'): Promise<KubeObject[]> {
    return listAll(this.#client, collectionPath(CONTROLLER_REVISIONS, namespace), { query: { labelSelector }, accept });
  }
}
