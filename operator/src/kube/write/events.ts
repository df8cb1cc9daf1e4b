import { randomBytes } from 'node:crypto';
import { GROUP, VERSION } from '@fuseboard/schema';
import { dropOldest } from '../../core/drop-oldest.ts';
import { instant } from '../../core/instant.ts';
import { CACHE_LIMITS } from '../../core/limits/cache-limits.ts';
import type { EventRecord, Subject } from '../../ports/status-sink.ts';
import { type KubeClient, KubeError, type KubeRequest } from '../api/client.ts';
import { nameStart } from '../api/object.ts';
import { kindOf } from '../api/resource.ts';

const REPORTER = `${GROUP}/operator`;

/** The occurrences of one reason for one policy or override. */
interface EventSeries {
  readonly subject: Subject;
  readonly type: EventRecord['type'];
  readonly reason: string;
  message: string;
  /** The name of the Event; absent until it is written. */
  name?: string;
  /** The name of the next Event, from the first attempt to write it. */
  reserved?: string | undefined;
  firstAt: string;
  lastAt: string;
  /** Number of occurrences in the written Event. */
  written: number;
  /** Number of occurrences since the last write. */
  pending: number;
}

type Within = Required<Pick<KubeRequest, 'signal' | 'timeoutMs'>>;

const MAX_SUBJECTS = CACHE_LIMITS['event-subjects'].entries;
const MAX_MESSAGE = 1024;

/**
 * Writes Events in the namespace of their subject, where `kubectl describe` shows them. One Event represents all
 * occurrences of a reason for a subject: it has their number and the newest message.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #instance: string;
  /** Series by uid of the subject, then by type and reason. */
  readonly #subjects = new Map<string, Map<string, EventSeries>>();

  /** @param instance name of the reporting replica, shown to users. */
  constructor(client: KubeClient, instance: string) {
    this.#client = client;
    this.#instance = instance;
  }

  /** Counts an occurrence; returns the key of its series for `write`. */
  record(subject: Subject, { type, reason, message }: EventRecord): string {
    const { uid } = subject;
    const kind = `${type} ${reason}`;
    const at = instant(Date.now());
    const known = this.#subjects.get(uid) ?? new Map<string, EventSeries>();
    const series = known.get(kind) ?? {
      subject,
      type,
      reason,
      message,
      firstAt: at,
      lastAt: at,
      written: 0,
      pending: 0,
    };
    known.set(kind, series);
    this.#subjects.delete(uid);
    this.#subjects.set(uid, known);
    dropOldest(this.#subjects, MAX_SUBJECTS);
    series.message = message.slice(0, MAX_MESSAGE);
    series.lastAt = at;
    series.pending += 1;
    return `${uid} ${kind}`;
  }

  /** Removes a deleted subject, so that its pending occurrences are not written; returns the keys of its series. */
  forget(uid: string): string[] {
    const kinds = [...(this.#subjects.get(uid)?.keys() ?? [])];
    this.#subjects.delete(uid);
    return kinds.map((kind) => `${uid} ${kind}`);
  }

  /** Writes the pending occurrences of a series within `withinMs`. Throws a KubeError when the write fails. */
  async write(key: string, signal: AbortSignal, withinMs: number): Promise<void> {
    const space = key.indexOf(' ');
    const uid = key.slice(0, space);
    const series = this.#subjects.get(uid)?.get(key.slice(space + 1));
    if (!series || series.pending === 0) return;
    const { pending } = series;
    const until = performance.now() + withinMs;
    const within = () => ({ signal, timeoutMs: Math.max(1, Math.round(until - performance.now())) });
    if (series.name === undefined || !(await this.#increaseCount(series, pending, within()))) {
      await this.#create(series, pending, within());
    }
    series.pending -= pending;
  }

  /** Returns false when the Event no longer exists. The API server keeps an Event for an hour. */
  async #increaseCount(series: EventSeries, pending: number, within: Within): Promise<boolean> {
    const count = series.written + pending;
    try {
      await this.#client.request(`${this.#path(series)}/${series.name}`, {
        method: 'PATCH',
        contentType: 'application/merge-patch+json',
        body: { count, message: series.message, lastTimestamp: series.lastAt },
        ...within,
        keepAlive: true,
      });
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return false;
      throw error;
    }
    series.written = count;
    return true;
  }

  async #create(series: EventSeries, pending: number, within: Within): Promise<void> {
    const { subject, type, reason, message, lastAt } = series;
    // Kept until it is known to be written, so that an answer that was lost does not double the Event.
    series.reserved ??= `${nameStart(subject.name, 220)}.${randomBytes(8).toString('hex')}`;
    const name = series.reserved;
    const firstAt = series.name === undefined ? series.firstAt : lastAt;
    const request = this.#client.request(this.#path(series), {
      method: 'POST',
      body: {
        apiVersion: 'v1',
        kind: 'Event',
        metadata: { name, namespace: subject.namespace },
        involvedObject: {
          apiVersion: `${GROUP}/${VERSION}`,
          kind: kindOf(subject),
          namespace: subject.namespace,
          name: subject.name,
          uid: subject.uid,
        },
        type,
        reason,
        message,
        count: pending,
        firstTimestamp: firstAt,
        lastTimestamp: lastAt,
        source: { component: REPORTER },
        reportingComponent: REPORTER,
        reportingInstance: this.#instance,
      },
      ...within,
      keepAlive: true,
    });
    try {
      await request;
      Object.assign(series, { name, firstAt, written: pending, reserved: undefined });
    } catch (error) {
      if (!(error instanceof KubeError) || error.status !== 409) throw error;
      // It was written by an attempt whose answer was lost, with a count that may be older.
      Object.assign(series, { name, firstAt, written: 0, reserved: undefined });
      if (!(await this.#increaseCount(series, pending, within))) throw error;
    }
  }

  #path({ subject }: EventSeries): string {
    return `/api/v1/namespaces/${encodeURIComponent(subject.namespace)}/events`;
  }
}
