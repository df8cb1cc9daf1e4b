import { jest } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, KubeError, type KubeRequest, type KubeWatch } from '../src/kube/api/client.ts';
import type { KubeObject } from '../src/kube/api/object.ts';

/** An object as a test writes it; the server adds uid and resourceVersion. */
export interface Draft {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion?: string;
  };
  readonly [field: string]: unknown;
}

type Stored = KubeObject & Draft;

/** The part of an API server that replicas use: Leases and ConfigMaps with resource versions, and watches. */
export class MemoryApi {
  /** By path. */
  readonly objects = new Map<string, Stored>();
  /** Method and path of each write. */
  readonly writes: string[] = [];
  /** Returns the error of a request; undefined: it is answered. */
  failure: (method: string, path: string) => KubeError | undefined = () => undefined;
  readonly client: KubeClient;
  readonly kubeConfig = new KubeConfig();
  readonly #watches = new Set<{ readonly path: string; readonly watch: KubeWatch }>();
  #version = 0;

  /** Answers every client of this test; `jest.restoreAllMocks` ends it. */
  constructor() {
    this.kubeConfig.loadFromClusterAndUser(
      { name: 'c', server: 'http://127.0.0.1:1', skipTLSVerify: true },
      { name: 'u' },
    );
    this.client = new KubeClient(this.kubeConfig);
    jest
      .spyOn(KubeClient.prototype, 'request')
      .mockImplementation(async (path, options) => this.#answer(path, options ?? {}) as never);
    jest.spyOn(KubeClient.prototype, 'watch').mockImplementation((path, watch) => this.#watch(path, watch));
  }

  /** Stores an object as another client does. */
  put(path: string, draft: Draft): void {
    const type = this.objects.has(path) ? 'MODIFIED' : 'ADDED';
    const stored = this.#stamp(path, draft);
    for (const { path: collection, watch } of this.#watches) {
      if (path.startsWith(`${collection}/`) && matches(stored, watch.query)) watch.event({ type, object: stored });
    }
  }

  #stamp(path: string, { metadata, ...rest }: Draft): Stored {
    this.#version += 1;
    const uid = this.objects.get(path)?.metadata.uid ?? `uid-${this.#version}`;
    const stored = { ...rest, metadata: { ...metadata, uid, resourceVersion: String(this.#version) } } as Stored;
    this.objects.set(path, stored);
    return stored;
  }

  #answer(path: string, { method = 'GET', body, query = {} }: KubeRequest): unknown {
    const failure = this.failure(method, path);
    if (failure !== undefined) throw failure;
    if (method !== 'GET') this.writes.push(`${method} ${path}`);
    if (/\/v1$/.test(path)) {
      return { resources: ['leases', 'configmaps'].map((name) => ({ name, verbs: ['create', 'list', 'watch'] })) };
    }
    if (/\/(leases|configmaps)$/.test(path)) return this.#answerCollection(path, method, body as Draft, query);
    const known = this.objects.get(path);
    if (known === undefined) throw new KubeError('not found', 404);
    if (method === 'GET') return known;
    const expected =
      method === 'PUT'
        ? (body as Draft).metadata.resourceVersion
        : (body as { preconditions?: { resourceVersion?: string } } | undefined)?.preconditions?.resourceVersion;
    if (expected !== undefined && expected !== known.metadata.resourceVersion) throw new KubeError('conflict', 409);
    if (method === 'DELETE') {
      this.objects.delete(path);
      return known;
    }
    this.put(path, body as Draft);
    return this.objects.get(path);
  }

  #answerCollection(path: string, method: string, body: Draft, query: KubeWatch['query']): unknown {
    if (method === 'GET') {
      const items = [...this.objects].filter(([key, object]) => key.startsWith(`${path}/`) && matches(object, query));
      return { metadata: { resourceVersion: String(this.#version) }, items: items.map(([, object]) => object) };
    }
    const created = `${path}/${body.metadata.name}`;
    if (this.objects.has(created)) throw new KubeError('exists already', 409);
    this.put(created, body);
    return this.objects.get(created);
  }

  #watch(path: string, watch: KubeWatch): Promise<void> {
    const entry = { path, watch };
    this.#watches.add(entry);
    watch.opened();
    return new Promise((resolve) => {
      watch.signal.addEventListener('abort', () => {
        this.#watches.delete(entry);
        resolve();
      });
    });
  }
}

function matches({ metadata }: Stored, { labelSelector }: KubeWatch['query']): boolean {
  if (labelSelector === undefined) return true;
  const [label, value] = labelSelector.split('=');
  return metadata.labels?.[label!] === value;
}
