import type { Clock } from '../../core/clock.ts';
import { Election, type ElectionTimes, type LeaseRecord } from '../../core/replication/election.ts';
import { type KubeClient, KubeError } from '../api/client.ts';
import { FailureLog } from '../api/failure-log.ts';
import type { KubeObject } from '../api/object.ts';
import { collectionPath, LEASES, objectPath } from '../api/resource.ts';
import { type Sleep, systemSleep } from '../api/sleep.ts';

interface LeaseSpec {
  readonly holderIdentity?: string;
  readonly leaseDurationSeconds?: number;
  readonly acquireTime?: string;
  readonly renewTime?: string;
  readonly leaseTransitions?: number;
}

export interface Lease extends KubeObject {
  readonly spec?: LeaseSpec;
}

export interface LeaseClientOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
}

/** One Lease in the API server. Every method throws a KubeError when its request fails. */
export class LeaseClient {
  readonly #options: LeaseClientOptions;

  constructor(options: LeaseClientOptions) {
    this.#options = options;
  }

  /** Resolves to undefined when there is no Lease. */
  async read(timeoutMs: number): Promise<Lease | undefined> {
    try {
      return await this.#options.client.request<Lease>(this.#path, { timeoutMs });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw error;
    }
  }

  /**
   * Creates the Lease, or replaces `before` unless another process has changed it.
   *
   * @param durationMs how long after the last renewal another process may take the Lease; rounded up to whole seconds.
   */
  async write(before: Lease | undefined, holder: string, durationMs: number, timeoutMs: number): Promise<Lease> {
    const { client, namespace, name, labels } = this.#options;
    const now = new Date(Date.now()).toISOString().replace('Z', '000Z');
    const same = before?.spec?.holderIdentity === holder;
    const spec: LeaseSpec = {
      holderIdentity: holder,
      leaseDurationSeconds: Math.max(1, Math.ceil(durationMs / 1000)),
      acquireTime: same ? (before.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (before?.spec?.leaseTransitions ?? 0) + (before && !same && holder !== '' ? 1 : 0),
    };
    return client.request<Lease>(before ? this.#path : collectionPath(LEASES, namespace), {
      method: before ? 'PUT' : 'POST',
      body: {
        apiVersion: 'coordination.k8s.io/v1',
        kind: 'Lease',
        metadata: { name, namespace, labels, resourceVersion: before?.metadata.resourceVersion },
        spec,
      },
      timeoutMs,
    });
  }

  /** Deletes the Lease; with `version`, only while it has this version. Succeeds when there is no Lease. */
  async remove(timeoutMs: number, version?: string): Promise<void> {
    const { client } = this.#options;
    const preconditions = version === undefined ? {} : { preconditions: { resourceVersion: version } };
    try {
      await client.request(this.#path, { method: 'DELETE', body: preconditions, timeoutMs });
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 404) throw error;
    }
  }

  get #path(): string {
    return objectPath(LEASES, this.#options.namespace, this.#options.name);
  }
}

export interface ElectorOptions {
  readonly leases: LeaseClient;
  /** Unique for each process, even for a restarted one with the same name. */
  readonly identity: string;
  readonly times: ElectionTimes & {
    /** The time between two reads of the Lease, or between two renewals, in milliseconds. */
    readonly retryMs: number;
  };
  readonly clock: Clock;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Called when this process becomes the leader. */
  readonly elected: () => void;
  /** Absent: that of the process. */
  readonly sleep?: Sleep | undefined;
}

/** Takes the leadership when it is free, and renews it. */
export class Elector {
  readonly #options: ElectorOptions;
  readonly #election: Election;
  readonly #failures: FailureLog;
  readonly #stopping = new AbortController();
  #lease: Lease | undefined;
  /** Whether `#lease` is, as far as known, the stored version of the Lease. */
  #current = false;
  #led = false;
  #term = 0;
  #running: Promise<void> | undefined;

  constructor(options: ElectorOptions) {
    this.#options = options;
    this.#failures = new FailureLog({
      what: 'the Lease of the leader',
      done: 'read or written',
      needs: 'the verbs get, create and update on leases of the group coordination.k8s.io',
      log: options.log,
    });
    this.#election = new Election(options.identity, options.times);
  }

  /** How long this process may still act as the leader, in milliseconds; 0 when it does not lead. */
  get leadingForMs(): number {
    return this.#stopping.signal.aborted ? 0 : this.#election.leadingForMs(this.#options.clock.now());
  }

  /** How many times this process was elected. */
  get term(): number {
    return this.#term;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the leadership at once; resolves when the Lease was released, or when the release failed. */
  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#lease?.spec?.holderIdentity !== this.#options.identity) return;
    await this.#options.leases.write(this.#lease, '', 1, timeoutMs).catch((error: Error) => {
      this.#options.log.info({ reason: error.message }, 'the Lease of the leader was not released; it expires');
    });
  }

  async #run(): Promise<void> {
    const { times, sleep = systemSleep } = this.#options;
    while (!this.#stopping.signal.aborted) {
      await this.#step().then(
        () => this.#failures.succeeded(),
        (error: Error) => {
          const overtaken = error instanceof KubeError && error.status === 409;
          if (!overtaken) this.#failures.failed(error);
        },
      );
      if (this.#led && this.leadingForMs === 0 && !this.#stopping.signal.aborted) {
        this.#led = false;
        this.#options.log.warn({ holder: this.#election.holder }, 'no longer the leader');
      }
      const { signal } = this.#stopping;
      await sleep(times.retryMs * (0.9 + 0.2 * Math.random()), signal);
    }
  }

  async #step(): Promise<void> {
    const { leases, identity, times, clock, log, elected } = this.#options;
    if (!this.#current || this.#lease?.spec?.holderIdentity !== identity) {
      this.#lease = await leases.read(times.deadlineMs);
      this.#current = true;
      this.#election.seen(this.#lease && record(this.#lease), clock.now());
    }
    if (this.#stopping.signal.aborted || !this.#election.mayWrite(clock.now())) return;
    // A failed request may still have written the Lease, so it must be read again.
    this.#current = false;
    const askedAt = clock.now();
    this.#lease = await leases.write(this.#lease, identity, times.leaseMs, times.deadlineMs);
    this.#current = true;
    // A leader that lost its Lease during the request has dropped its pending writes, so it starts a new term.
    const led = this.#election.leadingForMs(clock.now()) > 0;
    this.#election.written(record(this.#lease), askedAt, clock.now());
    if (led || this.leadingForMs === 0) return;
    this.#led = true;
    this.#term += 1;
    log.info({ identity }, 'leading');
    elected();
  }
}

function record({ metadata, spec }: Lease): LeaseRecord {
  return {
    holder: spec?.holderIdentity ?? '',
    durationMs: Math.min(Math.max(spec?.leaseDurationSeconds ?? 15, 1), 600) * 1000,
    version: metadata.resourceVersion,
  };
}
