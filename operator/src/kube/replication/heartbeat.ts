import { KubeError } from '../api/client.ts';
import { FailureLog } from '../api/failure-log.ts';
import { type Sleep, systemSleep } from '../api/sleep.ts';
import type { Lease, LeaseClient } from './lease.ts';

export interface HeartbeatOptions {
  readonly leases: LeaseClient;
  /** The name of this replica. */
  readonly replica: string;
  /** Distinguishes this process from others with the same replica name. */
  readonly boot: string;
  readonly renewMs: number;
  /** How long after its last renewal this replica counts as dead, in milliseconds. */
  readonly expiryMs: number;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
  /** Called when the Lease of this replica was deleted by others, and possibly its ConfigMaps too. */
  readonly forgotten: () => void;
  /** Absent: that of the process. */
  readonly sleep?: Sleep | undefined;
}

const REQUEST_MS = 5_000;
/** A failed renewal is retried after `renewMs` divided by this number. */
const RETRY_PART = 5;

/** Renews the Lease of this replica, so that the other replicas see that it is alive. */
export class LeaseHeartbeat {
  readonly #options: HeartbeatOptions;
  readonly #failures: FailureLog;
  readonly #stopping = new AbortController();
  #lease: Lease | undefined;
  #begun = false;
  #running: Promise<void> | undefined;

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#failures = new FailureLog({
      what: 'the Lease of this replica',
      done: 'written',
      needs: 'the verbs get, list, watch, create, update and delete on leases of the group coordination.k8s.io',
      log: options.log,
    });
  }

  start(): void {
    this.#running ??= this.#run();
  }

  async stop(timeoutMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    await this.#options.leases.remove(timeoutMs).catch((error: Error) => {
      this.#options.log.info({ reason: error.message }, 'the Lease of this replica was not removed; it expires');
    });
  }

  async #run(): Promise<void> {
    const { renewMs, sleep = systemSleep } = this.#options;
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      let waitMs = renewMs;
      try {
        await this.#renew();
        this.#failures.succeeded();
      } catch (error) {
        this.#lease = undefined;
        waitMs = renewMs / RETRY_PART;
        // A conflict or a missing Lease is not logged, because the next read resolves it.
        const overtaken = error instanceof KubeError && (error.status === 409 || error.status === 404);
        if (!overtaken) this.#failures.failed(error as Error);
      }
      await sleep(waitMs, signal);
    }
  }

  async #renew(): Promise<void> {
    const { leases, replica, boot, expiryMs, log, forgotten } = this.#options;
    const holder = `${replica}_${boot}`;
    this.#lease ??= await leases.read(REQUEST_MS);
    if (this.#begun && this.#lease === undefined) forgotten();
    const other = this.#lease?.spec?.holderIdentity;
    if (this.#begun && other !== undefined && other !== holder) {
      log.warn(
        { replica, other },
        'another process runs under the name of this replica; give each its own --replica-name',
      );
    }
    this.#lease = await leases.write(this.#lease, holder, expiryMs, REQUEST_MS);
    this.#begun = true;
  }
}

/** The boot id of the process that holds the Lease of a replica. */
export function bootOf({ spec }: Lease): string {
  return (spec?.holderIdentity ?? '').split('_').at(-1)!;
}
