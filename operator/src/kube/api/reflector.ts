import { setTimeout as sleep } from 'node:timers/promises';
import { Backoff } from './backoff.ts';
import { type KubeClient, KubeError } from './client.ts';
import { type KubeObject, keyOf, readEvent, readList, readObject, readVersion } from './object.ts';
import { collectionPath, explain, type KubeResource, offeredVerbs, resourceName } from './resource.ts';
import { systemSleep } from './sleep.ts';

/** All times are in milliseconds. */
export interface ReflectorTimers {
  /** The delay after the first failure; absent: 800. */
  readonly backoffMinMs?: number;
  /** The maximum delay after repeated failures; absent: 30 000. */
  readonly backoffMaxMs?: number;
  /**
   * The maximum first delay after a 410 response to a new watch or a list; half of it is the minimum, and it doubles
   * with each repetition. Absent: 10 000, so that repeated 410 responses cause at most three requests in 5 s.
   */
  readonly expiredMinMs?: number;
  /** A watch that lasted this long was healthy and resets the delays; absent: 5 000. */
  readonly healthyMs?: number;
  /** The time between two full lists while the watch is healthy; absent: 600 000. */
  readonly relistMs?: number;
  /**
   * A watch without data for this long is dead. The API server sends a bookmark every minute once it has sent an event;
   * in an empty cluster there is none, so the resource is listed again. Absent: 90 000.
   */
  readonly silenceMs?: number;
  /** The timeout of a list or any other single request; absent: 30 000. */
  readonly requestMs?: number;
  /** The time between the two checks that the resource is still served, before a removal is accepted; absent: 250. */
  readonly holdMs?: number;
}

export interface ReflectorOptions {
  readonly client: KubeClient;
  readonly resource: KubeResource;
  /** The namespace; absent: all namespaces. */
  readonly namespace?: string | undefined;
  readonly timers?: ReflectorTimers;
  /** Called after every change of the reflector's state. */
  readonly changed: () => void;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const PAGE = 500;

/** One refusal is not final, because a starting API server forbids everything until it has read its roles. */
const REFUSED_FOR_GOOD = 2;

/** The resource is not reliable, although the API server answers. */
class UnreadableResource extends Error {}

/** The requested history is no longer available: list again. */
class Expired extends Error {}

/**
 * A copy of one resource, kept in sync with the API server by a consistent list and a watch from its resourceVersion. A
 * failure to read removes nothing: known objects stay. A removal is accepted only while the resource is served, because
 * deleting its CRD deletes every object too.
 */
export class Reflector {
  readonly #options: ReflectorOptions;
  readonly #timers: Required<ReflectorTimers>;
  /** Delays after refusals by the API server; reset when it accepts a watch. */
  readonly #errorBackoff: Backoff;
  /** Delays after watches that ended too soon; reset after a healthy watch. */
  readonly #rewatchBackoff: Backoff;
  /** Delays after repeated 410 responses, each of which costs a list and a watch. */
  readonly #expiredBackoff: Backoff;
  readonly #stopping = new AbortController();
  readonly #objects = new Map<string, KubeObject>();
  /** Objects that the watch reported as deleted, by key, until the removal is accepted; the oldest first. */
  readonly #unconfirmed = new Map<string, { readonly uid: string; readonly version: string }>();
  /** Number of 410 responses: the API server no longer had the history for a watch or a page. */
  #expirations = 0;
  #synced = false;
  #unreadable: string | undefined;
  /** Number of consecutive forbidden lists. A list of a resource that is not served counts as final. */
  #refused = 0;
  /** The resourceVersion up to which `#objects` is complete. */
  #shownVersion: string | undefined;
  /** The resourceVersion at which the next watch starts; ahead of `#shownVersion` while a removal is unconfirmed. */
  #latestVersion = '';
  /** Ends the current delay or watch, so that a list comes next. */
  #interrupt = new AbortController();
  /** Whether a watch is running, as opposed to a list. */
  #following = false;
  /** Whether the reflector waits after a refusal by the API server. */
  #pausing = false;
  /** Callers that wait for the next list. */
  #waiting: { resolve: () => void; reject: (error: unknown) => void }[] = [];
  #running: Promise<void> | undefined;

  constructor(options: ReflectorOptions) {
    this.#options = options;
    this.#timers = {
      backoffMinMs: 800,
      backoffMaxMs: 30_000,
      expiredMinMs: 10_000,
      healthyMs: 5_000,
      relistMs: 600_000,
      silenceMs: 90_000,
      requestMs: 30_000,
      holdMs: 250,
      ...options.timers,
    };
    this.#errorBackoff = new Backoff(this.#timers.backoffMinMs, this.#timers.backoffMaxMs);
    this.#rewatchBackoff = new Backoff(this.#timers.backoffMinMs, this.#timers.backoffMaxMs);
    this.#expiredBackoff = new Backoff(this.#timers.expiredMinMs, this.#timers.backoffMaxMs);
  }

  get synced(): boolean {
    return this.#synced;
  }

  /**
   * Whether the first list will not succeed, because the API server does not serve the resource or keeps forbidding it.
   */
  get unavailable(): boolean {
    return !this.#synced && this.#refused >= REFUSED_FOR_GOOD;
  }

  /** Why the resource cannot be read right now; undefined while it can. */
  get unreadable(): string | undefined {
    return this.#unreadable;
  }

  get resourceVersion(): string | undefined {
    return this.#shownVersion;
  }

  /** Known objects by `namespace/name`. */
  get objects(): ReadonlyMap<string, KubeObject> {
    return this.#objects;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /**
   * Lists the resource at once. Resolves when the copy is at least as new as the store was at the call; rejects when
   * the list fails.
   */
  refresh(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stopping.signal.aborted) return reject(new Error('the source is stopped'));
      if (this.#pausing) return reject(new Error(this.#unreadable));
      this.#waiting.push({ resolve, reject });
      this.#interrupt.abort();
    });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#interrupt.abort();
    await this.#running;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error('the source is stopped'));
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#interrupt = new AbortController();
      this.#following = false;
      const waiting = this.#waiting.splice(0);
      try {
        await this.#list();
        for (const { resolve } of waiting.splice(0)) resolve();
        this.#following = true;
        await this.#follow();
      } catch (error) {
        const failure = this.#stopping.signal.aborted ? new Error('the source is stopped') : this.#fail(error);
        for (const { reject } of [...waiting, ...this.#waiting.splice(0)]) reject(failure);
        this.#pausing = true;
        const { status, retryAfterMs } = error instanceof KubeError ? error : {};
        await this.#pause((status === 410 ? this.#expiredBackoff : this.#errorBackoff).next(retryAfterMs));
        this.#pausing = false;
      }
    }
  }

  /**
   * Watches from the end of the last list or watch, until a list is due. Throws an error that only a later retry can
   * resolve.
   */
  async #follow(): Promise<void> {
    const due = setTimeout(() => this.#interrupt.abort(), this.#timers.relistMs * (0.9 + Math.random() / 5));
    try {
      for (let again = true; again && !this.#interrupt.signal.aborted; ) {
        const begun = performance.now();
        const expirations = this.#expirations;
        again = await this.#watch();
        const pace = this.#expirations > expirations ? this.#expiredBackoff : this.#rewatchBackoff;
        if (performance.now() - begun >= this.#timers.healthyMs) {
          this.#rewatchBackoff.reset();
          this.#expiredBackoff.reset();
        } else if (!this.#interrupt.signal.aborted) await this.#pause(pace.next());
      }
    } finally {
      clearTimeout(due);
    }
  }

  async #list(): Promise<void> {
    this.#unconfirmed.clear();
    const { items, resourceVersion } = await this.#pages();
    const listed = new Map(items.map((object) => [keyOf(object), object]));
    for (const [key, object] of listed) this.#objects.set(key, object);
    if (!this.#synced) await this.#requireServed();
    const missing = [...this.#objects.keys()].filter((key) => !listed.has(key));
    if (missing.length > 0) {
      this.#options.changed();
      await this.#requireServedTwice(this.#stopping.signal);
      for (const key of missing) this.#objects.delete(key);
    }
    this.#synced = true;
    this.#latestVersion = resourceVersion;
    this.#shownVersion = resourceVersion;
    this.#options.changed();
  }

  async #pages(): Promise<{ items: KubeObject[]; resourceVersion: string }> {
    const { client, resource, namespace } = this.#options;
    let restarts = 0;
    let items: KubeObject[] = [];
    let token: string | undefined;
    for (;;) {
      try {
        const page: unknown = await client.request(collectionPath(resource, namespace), {
          query: { limit: String(PAGE), continue: token, labelSelector: resource.labelSelector },
          signal: this.#stopping.signal,
          timeoutMs: this.#timers.requestMs,
        });
        const { metadata, items: found } = readList(page);
        items.push(...found);
        token = metadata.continue || undefined;
        if (token === undefined) return { items, resourceVersion: metadata.resourceVersion };
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 410 || token === undefined || restarts > 0) throw error;
        this.#expirations += 1;
        restarts += 1;
        items = [];
        token = undefined;
      }
    }
  }

  /**
   * Runs one watch until it ends. Returns true when the next watch can continue from there, and false when a list must
   * come first.
   */
  async #watch(): Promise<boolean> {
    const { client, resource, namespace } = this.#options;
    const ending = new AbortController();
    const signal = AbortSignal.any([this.#interrupt.signal, ending.signal]);
    let settling: Promise<void> | undefined;
    const settle = () => {
      if (this.#unconfirmed.size === 0 || signal.aborted) return;
      settling ??= this.#confirmRemovals(signal)
        .catch((error) => ending.abort(error))
        .finally(() => {
          settling = undefined;
          settle();
        });
    };
    try {
      await client.watch(collectionPath(resource, namespace), {
        query: {
          allowWatchBookmarks: 'true',
          resourceVersion: this.#latestVersion,
          labelSelector: resource.labelSelector,
        },
        signal,
        silenceMs: this.#timers.silenceMs,
        opened: () => this.#recovered(),
        event: (line) => {
          this.#apply(line);
          settle();
        },
      });
      // The next list decides about removals that are still unconfirmed.
      return this.#unconfirmed.size === 0;
    } catch (error) {
      if (this.#interrupt.signal.aborted) return false;
      return this.#explainFailure(ending.signal.aborted ? ending.signal.reason : error);
    } finally {
      ending.abort();
      await settling;
    }
  }

  #explainFailure(error: unknown): false {
    const status = error instanceof KubeError ? error.status : undefined;
    if (error instanceof UnreadableResource || (status !== undefined && status !== 410)) throw error;
    if (error instanceof Expired || status === 410) this.#expirations += 1;
    this.#options.log.info({ reason: (error as Error).message }, 'the watch ended; listing again');
    return false;
  }

  #apply(line: unknown): void {
    const { type, object } = readEvent(line);
    if (type === 'ERROR') {
      const { code, message } = object as { code?: number; message?: string };
      if (code === 410) throw new Expired(message ?? 'the history is gone');
      throw new KubeError(`the API server ended the watch: ${message ?? code ?? 'no reason given'}`);
    }
    const version = readVersion(object);
    if (BigInt(version) < BigInt(this.#latestVersion)) {
      throw new KubeError(`resource version ${version} came after ${this.#latestVersion}; the store was restored`);
    }
    this.#latestVersion = version;
    if (type !== 'BOOKMARK') {
      const known = readObject(object);
      const key = keyOf(known);
      if (type === 'DELETED') {
        const { uid } = known.metadata;
        if (this.#objects.get(key)?.metadata.uid === uid) this.#unconfirmed.set(key, { uid, version });
      } else {
        this.#objects.set(key, known);
        this.#unconfirmed.delete(key);
      }
    }
    this.#advanceVersion();
    this.#options.changed();
  }

  /** Accepts the unconfirmed removals after checking that the resource is still served. */
  async #confirmRemovals(signal: AbortSignal): Promise<void> {
    while (this.#unconfirmed.size > 0) {
      const held = [...this.#unconfirmed];
      await this.#requireServedTwice(signal);
      for (const [key, removal] of held) {
        if (this.#unconfirmed.get(key) !== removal) continue;
        this.#unconfirmed.delete(key);
        this.#objects.delete(key);
      }
      this.#advanceVersion();
      this.#options.changed();
    }
  }

  /** Moves `#shownVersion` forward, up to the oldest unconfirmed removal. */
  #advanceVersion(): void {
    const [oldest] = this.#unconfirmed.values();
    this.#shownVersion = oldest === undefined ? this.#latestVersion : String(BigInt(oldest.version) - 1n);
  }

  /**
   * Checks twice that the resource is served, because a removal may be reported shortly before the API server knows
   * that the CRD is being deleted.
   */
  async #requireServedTwice(signal: AbortSignal): Promise<void> {
    await this.#requireServed(signal);
    await sleep(this.#timers.holdMs, undefined, { signal });
    await this.#requireServed(signal);
  }

  async #requireServed(signal: AbortSignal = this.#stopping.signal): Promise<void> {
    const { client, resource } = this.#options;
    const verbs = await offeredVerbs(client, resource, { signal, timeoutMs: this.#timers.requestMs }).catch((error) => {
      if (!(error instanceof KubeError) || error.status !== 403) throw error;
      throw new UnreadableResource(
        `not allowed to read what the API server serves (403), without which no removal is believed: ${error.message}; bind the ClusterRole system:discovery to the operator's account`,
      );
    });
    if (verbs.includes('create')) return;
    throw new UnreadableResource(
      `the definition of ${resourceName(resource)} is deleted or being deleted; what is known stays in force; restore it: kubectl apply -f crds/`,
    );
  }

  #recovered(): void {
    this.#errorBackoff.reset();
    if (this.#unreadable === undefined) return;
    this.#unreadable = undefined;
    this.#options.log.info({ resource: resourceName(this.#options.resource) }, 'the API server can be read again');
    this.#options.changed();
  }

  #fail(error: unknown): Error {
    const { client, resource, log, changed } = this.#options;
    const status = error instanceof KubeError ? error.status : undefined;
    const wasUnavailable = this.unavailable;
    if (status === 404 || error instanceof UnreadableResource) this.#refused = REFUSED_FOR_GOOD;
    else this.#refused = status === 403 ? this.#refused + 1 : 0;
    if (this.unavailable !== wasUnavailable) changed();
    const verb = this.#following ? 'watch' : 'list';
    const unreadable =
      error instanceof UnreadableResource ? error.message : explain(error, verb, resource, client.server);
    if (unreadable !== this.#unreadable) {
      this.#unreadable = unreadable;
      log.warn({ resource: resourceName(resource) }, unreadable);
      changed();
    }
    return new Error(unreadable);
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#interrupt;
    await systemSleep(ms, signal);
  }
}
