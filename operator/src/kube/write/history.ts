import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { GROUP, KIND, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Policy } from '../../core/policy/policy.ts';
import { HISTORY_LIMIT, type History, type Revision } from '../../ports/history.ts';
import { Backoff } from '../api/backoff.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { FailureLog } from '../api/failure-log.ts';
import { listAll } from '../api/list.ts';
import type { KubeObject } from '../api/object.ts';
import { CONTROLLER_REVISIONS, collectionPath, objectPath } from '../api/resource.ts';

/** The uid of the policy that a revision belongs to. */
const OF = `${GROUP}/policy-uid`;
/** The number of a revision, for readers of metadata alone. */
const NUMBER = `${GROUP}/revision`;

const METADATA_ONLY = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1';
/** Between two writes, so that a start with thousands of policies is no storm. */
const PAUSE_MS = 50;
const REQUEST_MS = 10_000;

export interface KubernetesHistoryOptions {
  readonly kubeConfig: KubeConfig;
  /** Absent or empty: all namespaces. */
  readonly namespaces?: readonly string[];
  /** Whether this process may write now: one of several replicas does. */
  readonly leading: () => boolean;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** The policy that controls an object, by uid: a label alone can be on anything. */
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
 * Revisions as ControllerRevision objects, as Deployments keep theirs: owned by their policy, numbered by its
 * generation and named by a hash, so that writing one twice changes nothing. Needs list, create and delete on
 * `controllerrevisions` of `apps`.
 */
export class KubernetesHistory implements History {
  readonly #options: KubernetesHistoryOptions;
  readonly #client: KubeClient;
  readonly #failures: FailureLog;
  readonly #backoff = new Backoff(1_000, 60_000);
  readonly #stopping = new AbortController();
  /** What is to be recorded, by uid: the newest of each. */
  readonly #due = new Map<string, Policy>();
  /** What is stored, by uid of the policy; absent until it was read. */
  #stored: Map<string, StoredRevision[]> | undefined;
  #running: Promise<void> | undefined;

  constructor(options: KubernetesHistoryOptions) {
    this.#options = options;
    this.#client = new KubeClient(options.kubeConfig);
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
    this.#due.set(policy.uid, policy);
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  forget({ uid }: Policy): void {
    this.#due.delete(uid);
    this.#stored?.delete(uid);
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
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    while (this.#due.size > 0 && !signal.aborted) {
      if (!this.#options.leading()) {
        // The next leader reads what there is and records what is missing.
        this.#due.clear();
        this.#stored = undefined;
        return;
      }
      const [[uid, policy]] = this.#due as unknown as [[string, Policy]];
      let waitMs = PAUSE_MS;
      try {
        this.#stored ??= await this.#readStored();
        if (!(await this.#store(policy, this.#stored))) waitMs = 0;
        // It may have gone while it was being stored.
        if (!this.#due.has(uid)) this.#stored?.delete(uid);
        if (this.#due.get(uid) === policy) this.#due.delete(uid);
        this.#backoff.reset();
        this.#failures.succeeded();
      } catch (error) {
        const status = error instanceof KubeError ? error.status : undefined;
        // The namespace ends, or the spec is nothing that can be stored.
        if (status === 404 || status === 422) this.#due.delete(uid);
        waitMs = this.#backoff.next(error instanceof KubeError ? error.retryAfterMs : undefined);
        this.#failures.failed(error as Error);
      }
      // Others come to their turn in any case.
      await sleep(waitMs, undefined, { signal }).catch(() => {});
    }
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

  /** Says whether it had to write. */
  async #store(policy: Policy, all: Map<string, StoredRevision[]>): Promise<boolean> {
    const { uid, namespace, name: owner, generation, spec } = policy;
    const hash = createHash('sha256')
      .update(JSON.stringify([uid, generation, spec]))
      .digest('hex')
      .slice(0, 10);
    const name = `${owner.slice(0, 200)}-${hash}`;
    // A uid belongs to one policy, which lies in one namespace: what names it elsewhere was put there by somebody else.
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
