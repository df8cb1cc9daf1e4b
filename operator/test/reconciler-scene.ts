import type { Report } from '@fuseboard/schema';
import { pino } from 'pino';
import type { StatusReconcilerOptions } from '../src/control/status-reconciler.ts';
import { SnapshotCache } from '../src/core/delivery/snapshot-cache.ts';
import { Fleet, type Receipt } from '../src/core/fleet/fleet.ts';
import { Aggregates } from '../src/core/replication/aggregates.ts';
import type { EventRecord, StatusOf, Subject } from '../src/ports/status-sink.ts';

const REPORT = { protocol: 1, service: 's', part: 1, parts: 1, rejections: [], breakers: [] };

/** What surrounds a reconciler of statuses: a fleet, other replicas, a clock, and a sink that keeps its input. */
export class ReconcilerScene<T extends Subject> {
  now = 0;
  leading = true;
  readonly snapshots = new SnapshotCache();
  readonly fleet = new Fleet();
  readonly aggregates = new Aggregates();
  written: StatusOf<T>[] = [];
  events: EventRecord[] = [];
  readonly forgotten: string[] = [];
  readonly published: string[] = [];
  #sequence = 0;

  /** The same time and leader after the operator was restarted. */
  static restarted<T extends Subject>({ now, leading }: ReconcilerScene<T>): ReconcilerScene<T> {
    return Object.assign(new ReconcilerScene<T>(), { now, leading });
  }

  options(): StatusReconcilerOptions {
    const { snapshots, fleet, aggregates } = this;
    const isLeading = () => this.leading;
    return {
      ...{ snapshots, fleet, aggregates },
      replicas: {
        get leading() {
          return isLeading();
        },
        publish: (uid) => void this.published.push(uid),
      },
      sink: {
        write: (_subject, status) => void this.written.push(status as unknown as StatusOf<T>),
        event: (_subject, event) => void this.events.push(event),
        forget: ({ name }) => void this.forgotten.push(name),
        stop: async () => {},
      },
      log: pino({ level: 'silent' }),
      clock: { now: () => this.now },
      wallClock: () => this.now,
    };
  }

  /** An agent opens a stream, gets what there is and reports. */
  report(namespace: string, boot: string, over: Partial<Report> = {}): Receipt {
    const instance = `pod-${boot}`;
    const agent = this.fleet.connect({ namespace, boot, service: 's', instance, labels: {} }, this.now);
    const snapshot = this.snapshots.snapshot(namespace, {});
    this.fleet.setTarget(agent, snapshot, this.now);
    this.fleet.sent(agent, snapshot);
    this.#sequence += 1;
    const report = { ...REPORT, boot, instance, sequence: this.#sequence, ...over };
    return this.fleet.report({ namespace }, report, this.now);
  }
}
