import { randomBytes } from 'node:crypto';
import type { KubeConfig } from '@kubernetes/client-node';
import type { Clock } from '../../core/clock.ts';
import type { Aggregates, Regrouping, Shard } from '../../core/replication/aggregates.ts';
import type { ElectionTimes } from '../../core/replication/election.ts';
import type { Replicas, ReplicasListener } from '../../ports/replicas.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import type { KubeObject } from '../api/object.ts';
import { Reflector } from '../api/reflector.ts';
import { CONFIG_MAPS, type KubeResource, LEASES } from '../api/resource.ts';
import type { Sleep } from '../api/sleep.ts';
import type { WritePermit } from '../write/status-writer.ts';
import { AggregatePublisher, readShard, removeConfigMap } from './aggregates.ts';
import { bootOf, LeaseHeartbeat } from './heartbeat.ts';
import { Elector, type Lease, LeaseClient } from './lease.ts';

/** The timing of leader election and of replica heartbeats. */
interface ReplicationTimes extends ElectionTimes {
  /** The time between two reads of the leader's Lease, in milliseconds. */
  readonly retryMs: number;
  /** The time between two renewals of a replica's own Lease, in milliseconds. */
  readonly renewMs: number;
  /** How long after its last renewal a replica counts as dead, in milliseconds. */
  readonly expiryMs: number;
}

export interface KubernetesReplicasOptions {
  readonly kubeConfig: KubeConfig;
  /** The namespace of the Leases and ConfigMaps. */
  readonly namespace: string;
  /**
   * The name of the leader's Lease and the prefix of all other names. Use another name for each operator in a
   * namespace.
   */
  readonly name: string;
  /** The unique name of this replica. */
  readonly replica: string;
  readonly times: ReplicationTimes;
  readonly clock: Clock;
  /** Absent: that of the process. */
  readonly sleep?: Sleep;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

/** The label on the Leases and ConfigMaps of replicas. Its value is the name of the leader's Lease. */
export const SET_LABEL = 'fuseboard.dev/replicas';
const REPLICA_LABEL = 'fuseboard.dev/replica';
const SWEEP_MS = 1_000;
const CLEAN_MS = 5_000;
const GOODBYE_MS = 2_000;

/**
 * The group of replicas, which discover each other through Leases and ConfigMaps in one namespace. Needs the verbs get,
 * list, watch, create, update and delete on leases, and list, watch, create, update and delete on configmaps, only in
 * this namespace.
 */
export class KubernetesReplicas implements Replicas {
  readonly #options: KubernetesReplicasOptions;
  readonly #client: KubeClient;
  readonly #boot = randomBytes(5).toString('hex');
  readonly #elector: Elector;
  readonly #heartbeat: LeaseHeartbeat;
  readonly #publisher: AggregatePublisher;
  readonly #leases: Reflector;
  readonly #maps: Reflector;
  readonly #read = new WeakMap<KubeObject, Shard | undefined>();
  #aggregates: Aggregates | undefined;
  #listener: ReplicasListener | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #cleaning: Promise<void> | undefined;
  #cleanedAt = Number.NEGATIVE_INFINITY;

  constructor(options: KubernetesReplicasOptions) {
    const { kubeConfig, namespace, name, replica, times, clock, sleep, log } = options;
    const boot = this.#boot;
    this.#options = options;
    this.#client = new KubeClient(kubeConfig);
    const client = this.#client;
    const labels = { [SET_LABEL]: name, [REPLICA_LABEL]: replica };
    const own = `${name}-replica-${replica}`;
    this.#elector = new Elector({
      leases: new LeaseClient({ client, namespace, name }),
      identity: `${replica}_${boot}`,
      times,
      clock,
      sleep,
      log,
      elected: () => this.#listener?.elected(),
    });
    this.#publisher = new AggregatePublisher({ client, namespace, name: own, labels, replica, boot, sleep, log });
    this.#heartbeat = new LeaseHeartbeat({
      leases: new LeaseClient({ client, namespace, name: own, labels }),
      replica,
      boot,
      ...times,
      sleep,
      log,
      forgotten: () => log.warn({ replica }, 'the other replicas had removed this one; it is counted again'),
    });
    const reflect = (resource: KubeResource, changed: () => void) =>
      new Reflector({
        client,
        resource: { ...resource, labelSelector: `${SET_LABEL}=${name}` },
        namespace,
        log,
        changed,
      });
    this.#leases = reflect(LEASES, () => this.#observe());
    this.#maps = reflect(CONFIG_MAPS, () => this.#observe());
  }

  get leading(): boolean {
    return this.#elector.leadingForMs > 0;
  }

  /** Permission to write as the leader. */
  get permit(): WritePermit | undefined {
    const { term, leadingForMs: forMs } = this.#elector;
    return forMs > 0 ? { term, forMs } : undefined;
  }

  start(aggregates: Aggregates, listener: ReplicasListener): void {
    this.#aggregates = aggregates;
    this.#listener = listener;
    this.#heartbeat.start();
    this.#leases.start();
    this.#maps.start();
    this.#sweeping = setInterval(() => this.#sweep(), SWEEP_MS);
  }

  publish(uid: string): void {
    this.#publisher.put(uid, this.#aggregates?.own(uid));
  }

  async stop(): Promise<void> {
    clearInterval(this.#sweeping);
    await Promise.all([
      this.#elector.stop(GOODBYE_MS),
      this.#heartbeat.stop(GOODBYE_MS),
      this.#publisher.stop(GOODBYE_MS),
      this.#leases.stop(),
      this.#maps.stop(),
      this.#cleaning,
    ]);
  }

  #observe(): void {
    if (!this.#leases.synced || !this.#maps.synced) return;
    const { replica, clock } = this.#options;
    const others = (objects: ReadonlyMap<string, KubeObject>) =>
      [...objects.values()].filter((object) => replicaOf(object) !== replica);
    const beats = others(this.#leases.objects).map((lease) => ({
      replica: replicaOf(lease),
      boot: bootOf(lease as Lease),
      version: lease.metadata.resourceVersion,
    }));
    const shards = others(this.#maps.objects).flatMap((object) => this.#shard(object) ?? []);
    this.#notify(this.#aggregates!.onHeartbeats(beats, clock.now()));
    const changes = this.#aggregates!.setShards(shards, clock.now());
    if (changes.length > 0) this.#listener!.changed(changes);
    // The election starts only after the other replicas are known: a leader without them would write counts of its own
    // agents only.
    this.#elector.start();
  }

  #notify({ left, regrouped, changes }: Regrouping): void {
    if (changes.length > 0) this.#listener!.changed(changes);
    if (regrouped) this.#listener!.regrouped(left);
  }

  #shard(object: KubeObject): Shard | undefined {
    if (this.#read.has(object)) return this.#read.get(object);
    let shard: Shard | undefined;
    try {
      shard = readShard(object);
    } catch (error) {
      const { name } = object.metadata;
      this.#options.log.warn(
        { configMap: name, reason: (error as Error).message },
        'a ConfigMap of a replica cannot be read',
      );
    }
    this.#read.set(object, shard);
    return shard;
  }

  #sweep(): void {
    if (!this.#leases.synced || !this.#maps.synced) return;
    const { clock, log, replica, times } = this.#options;
    const expired = this.#aggregates!.expire(times.expiryMs, clock.now());
    const { lost } = this.#aggregates!;
    if (expired.regrouped) log.warn({ replicas: lost }, 'silent replicas were removed from the counts');
    this.#notify(expired);
    const own = [...this.#maps.objects.values()].filter((object) => replicaOf(object) === replica);
    if (this.#maps.unreadable === undefined) this.#publisher.found(own.map(({ metadata }) => metadata.name));
    const former = own.filter(
      (object) => this.#shard(object)?.boot !== this.#boot && !this.#publisher.names.includes(object.metadata.name),
    );
    const dead = this.leading ? lost : [];
    if ((dead.length === 0 && former.length === 0) || clock.now() - this.#cleanedAt < CLEAN_MS) return;
    this.#cleanedAt = clock.now();
    this.#cleaning ??= this.#clean(dead, former)
      .catch((error: Error) =>
        log.info({ reason: error.message }, 'the objects of a former replica cannot be removed yet'),
      )
      .finally(() => {
        this.#cleaning = undefined;
      });
  }

  /** Removes the ConfigMaps of a former process of this replica, and the Leases and ConfigMaps of dead replicas. */
  async #clean(dead: readonly string[], former: readonly KubeObject[]): Promise<void> {
    const { namespace } = this.#options;
    const remove = ({ metadata }: KubeObject) => removeConfigMap(this.#client, namespace, metadata.name, GOODBYE_MS);
    for (const object of former) await remove(object);
    for (const name of dead) {
      const is = (object: KubeObject) => replicaOf(object) === name;
      const lease = [...this.#leases.objects.values()].find(is);
      if (lease && !(await this.#removeLease(lease))) continue;
      for (const object of [...this.#maps.objects.values()].filter(is)) await remove(object);
    }
  }

  /** Returns false when the replica has renewed its Lease in the meantime. */
  async #removeLease({ metadata: { name, resourceVersion } }: KubeObject): Promise<boolean> {
    const { namespace } = this.#options;
    try {
      await new LeaseClient({ client: this.#client, namespace, name }).remove(GOODBYE_MS, resourceVersion);
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.status === 409) return false;
      throw error;
    }
  }
}

const replicaOf = ({ metadata }: KubeObject) =>
  (metadata as { labels?: Record<string, string> }).labels?.[REPLICA_LABEL] ?? '';
