import { hostname } from 'node:os';
import { isDeepStrictEqual } from 'node:util';
import { GROUP, type OverrideStatus, type PolicyStatus, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import { dropOldest } from '../../core/drop-oldest.ts';
import { keepForeignConditions, OWN_CONDITIONS } from '../../core/status/foreign-conditions.ts';
import type { QueueObserver } from '../../ports/queue-observer.ts';
import type { EventRecord, StatusSink, Subject } from '../../ports/status-sink.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { type KubeObject, type StoredObject, toStored } from '../api/object.ts';
import { kindOf, objectPath, resourceOf } from '../api/resource.ts';
import { EventRecorder } from './events.ts';
import { FailingKeys } from './failing-keys.ts';
import { type Priority, WriteQueue } from './write-queue.ts';

export interface KubernetesStatusSinkOptions {
  readonly kubeConfig: KubeConfig;
  /**
   * Returns the newest copy in the source's cache, which saves a read before each write; absent: every write reads
   * first.
   */
  readonly stored?: (subject: Subject) => StoredObject | undefined;
  /** Name of the reporting replica in Events; absent: the host name, which is the pod name in a cluster. */
  readonly instance?: string;
  /**
   * Called before each write. The write is dropped when there is no permit, or when the term changed since it was
   * queued. Absent: always permitted.
   */
  readonly permit?: () => WritePermit | undefined;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Minimum time between two status writes of an object, in milliseconds; absent: 1 000. */
  readonly statusIntervalMs?: number;
  /** Minimum time between two Events of an object with the same reason, in milliseconds; absent: 60 000. */
  readonly eventIntervalMs?: number;
  /**
   * The delay before a failed write is retried, in milliseconds. It doubles up to 30 s, or up to 5 min when the API
   * server refuses the content. Absent: 1 000.
   */
  readonly retryMs?: number;
  /** Maximum number of writes per second over all objects, including Events; absent: 20. */
  readonly perSecond?: number;
  /** How long `stop` waits for running writes, in milliseconds; absent: 2 000. */
  readonly graceMs?: number;
  /** Observer of the write queue; absent: none. */
  readonly observer?: QueueObserver;
}

/** Permission to write. */
export interface WritePermit {
  /** Changes after each time without a permit. */
  readonly term: number;
  /** Remaining validity, in milliseconds. */
  readonly forMs: number;
}

type Status = PolicyStatus | OverrideStatus;

type Write = { readonly term: number } & (
  | { readonly kind: 'status'; readonly subject: Subject; readonly status: Status }
  | { readonly kind: 'event'; readonly subject: Subject }
);

const ALWAYS: WritePermit = { term: 0, forMs: Number.POSITIVE_INFINITY };

const WRITES_PER_SECOND = 20;
/** Several concurrent writes, so that one slow response does not delay the others. */
const MAX_IN_FLIGHT = 4;
const CONFLICTS = 5;
/** Statuses that reject this object's content; a retry fails until the object or the admission rules change. */
const REFUSALS: readonly number[] = [400, 405, 413, 415, 422];
/** Upper bound for the delay of the source, in seconds. */
const SOURCE_LAG_S = 60;
const REQUEST_MS = 10_000;

/**
 * Writes the status and Events of policies and overrides to the API server. Needs the verbs get on both, update on
 * their `status`, and create and patch on `events`.
 */
export function kubernetesStatusSink(options: KubernetesStatusSinkOptions): StatusSink {
  return new KubernetesStatusSink(options);
}

class KubernetesStatusSink implements StatusSink {
  readonly #options: KubernetesStatusSinkOptions;
  readonly #client: KubeClient;
  readonly #events: EventRecorder;
  readonly #queue: WriteQueue<Write>;
  readonly #stopping = new AbortController();
  readonly #inFlight = new Set<Promise<void>>();
  /** Written objects that the source has not shown yet, by uid. */
  readonly #written = new Map<string, StoredObject>();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;
  readonly #failing: Readonly<Record<Write['kind'], FailingKeys>> = {
    status: new FailingKeys(),
    event: new FailingKeys(),
  };
  readonly #perSecond: number;

  constructor(options: KubernetesStatusSinkOptions) {
    this.#options = options;
    this.#perSecond = options.perSecond ?? WRITES_PER_SECOND;
    this.#queue = new WriteQueue({ perSecond: this.#perSecond, retryMs: options.retryMs }, options.observer);
    this.#client = new KubeClient(options.kubeConfig);
    this.#events = new EventRecorder(this.#client, options.instance ?? hostname());
  }

  write(subject: Subject, status: Status): void {
    const permit = this.#permit();
    if (this.#stopped || !permit) return;
    const desired = JSON.parse(JSON.stringify(status)) as Status;
    const newest = this.#newest(subject);
    const known = newest?.uid === subject.uid ? newest.status : undefined;
    if (known !== undefined && !this.#queue.isActive(subject.uid) && isWritten(known, desired)) return;
    this.#queue.put(
      subject.uid,
      { kind: 'status', subject, status: desired, term: permit.term },
      this.#options.statusIntervalMs ?? 1000,
      { priority: priorityOf(known, desired), version: subject.generation },
    );
    this.#pump();
  }

  event(subject: Subject, event: EventRecord): void {
    const permit = this.#permit();
    if (this.#stopped || !permit) return;
    const key = this.#events.record(subject, event);
    this.#queue.put(key, { kind: 'event', subject, term: permit.term }, this.#options.eventIntervalMs ?? 60_000);
    this.#pump();
  }

  forget({ uid }: Subject): void {
    this.#written.delete(uid);
    this.#queue.drop(uid);
    this.#ended('status', uid);
    for (const key of this.#events.forget(uid)) {
      this.#queue.drop(key);
      this.#ended('event', key);
    }
  }

  /** Lets running writes finish within the grace period, and drops waiting ones. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const cutoff = setTimeout(() => this.#stopping.abort(), this.#options.graceMs ?? 2000);
    await Promise.all(this.#inFlight);
    clearTimeout(cutoff);
  }

  #pump(): void {
    clearTimeout(this.#timer);
    while (!this.#stopped && this.#inFlight.size < MAX_IN_FLIGHT) {
      const due = this.#queue.take(performance.now());
      if (typeof due === 'number') this.#timer = setTimeout(() => this.#pump(), Math.ceil(due));
      if (typeof due !== 'object') return;
      const running = this.#perform(due.key, due.item).finally(() => {
        this.#inFlight.delete(running);
        this.#pump();
      });
      this.#inFlight.add(running);
    }
  }

  async #perform(key: string, write: Write): Promise<void> {
    try {
      const forMs = this.#permittedMs(write);
      if (forMs === 0) return this.#queue.done(key);
      if (write.kind === 'status') await this.#writeStatus(write);
      else await this.#events.write(key, this.#stopping.signal, forMs);
      this.#queue.done(key);
      this.#ended(write.kind, key);
    } catch (error) {
      if (this.#stopped) return;
      const { status, retryAfterMs, lacksPermission = false } = error instanceof KubeError ? error : {};
      if (status === 404) {
        this.#queue.done(key);
        this.#ended(write.kind, key);
        return;
      }
      const refused = status !== undefined && REFUSALS.includes(status);
      // The object was forgotten during the write, so the write is neither retried nor counted as a failure.
      if (!this.#queue.failed(key, write, performance.now(), { askedMs: retryAfterMs, refused })) return;
      if (!this.#failing[write.kind].failed(key, String(status))) return;
      const { namespace, name } = write.subject;
      const what = `${write.kind} of ${nounOf(write)} ${namespace}/${name}`;
      const why = `(${status ?? 'no answer'}): ${(error as Error).message}`;
      const advice = lacksPermission ? permissionFor(write) : 'trying again';
      this.#options.log.warn({}, `cannot write the ${what} now ${why}; ${advice}`);
    }
  }

  /**
   * Updates with the resourceVersion of the newest copy, so that a concurrent change is never overwritten unnoticed.
   */
  async #writeStatus(write: Extract<Write, { kind: 'status' }>): Promise<void> {
    const { subject, status } = write;
    const { namespace, name, uid } = subject;
    const path = objectPath(resourceOf(subject), namespace, name);
    const common = { signal: this.#stopping.signal, keepAlive: true };
    let newest = this.#newest(subject);
    for (let conflicts = 0; ; conflicts += 1) {
      newest ??= toStored(await this.#client.request<KubeObject>(path, { ...common, timeoutMs: REQUEST_MS }));
      const timeoutMs = this.#permittedMs(write);
      if (timeoutMs === 0 || newest.uid !== uid || isWritten(newest.status, status)) return;
      try {
        const written = await this.#client.request<KubeObject>(`${path}/status`, {
          ...common,
          timeoutMs,
          method: 'PUT',
          body: {
            apiVersion: `${GROUP}/${VERSION}`,
            kind: kindOf(subject),
            metadata: { namespace, name, uid, resourceVersion: newest.resourceVersion },
            status: keepForeignConditions(status, newest.status),
          },
        });
        this.#written.set(uid, toStored(written));
        dropOldest(this.#written, SOURCE_LAG_S * this.#perSecond);
        return;
      } catch (error) {
        if (!(error instanceof KubeError) || error.status !== 409 || conflicts === CONFLICTS) throw error;
        newest = undefined;
      }
    }
  }

  #permit(): WritePermit | undefined {
    return this.#options.permit === undefined ? ALWAYS : this.#options.permit();
  }

  /**
   * The timeout of a write, so that it ends before another process may become the writer; 0 when it is not permitted.
   */
  #permittedMs({ term }: Write): number {
    const permit = this.#permit();
    return permit?.term === term ? Math.min(REQUEST_MS, Math.ceil(permit.forMs)) : 0;
  }

  #newest(subject: Subject): StoredObject | undefined {
    const { uid } = subject;
    const known = this.#options.stored?.(subject);
    const written = this.#written.get(uid);
    if (!known || !written) return known;
    if (known.uid === uid && BigInt(known.resourceVersion) < BigInt(written.resourceVersion)) return written;
    this.#written.delete(uid);
    return known;
  }

  #ended(kind: Write['kind'], key: string): void {
    if (!this.#failing[kind].ended(key)) return;
    this.#options.log.info({}, `the ${kind} of policies and overrides can be written again`);
  }
}

/** Whether a stored status already has the desired content, apart from the conditions of other controllers. */
const isWritten = (stored: Status | undefined, desired: Status) =>
  isDeepStrictEqual(stored, keepForeignConditions(desired, stored));

function priorityOf(known: Status | undefined, desired: Status): Priority {
  if (known === undefined) return 'new';
  return generationOf(known) === generationOf(desired) ? 'refreshed' : 'changed';
}

/** The observed generation of the first condition of this operator. */
const generationOf = ({ conditions }: Status) =>
  conditions?.find(({ type }) => OWN_CONDITIONS.has(type))?.observedGeneration;

const nounOf = ({ subject }: Write) => ('kind' in subject ? 'override' : 'policy');

function permissionFor({ kind, subject }: Write): string {
  const { plural } = resourceOf(subject);
  return kind === 'status'
    ? `grant the operator's account the verbs get on ${plural} and update on ${plural}/status of the group ${GROUP}`
    : `grant the operator's account the verbs create and patch on events`;
}
