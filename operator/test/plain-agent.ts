import { randomBytes } from 'node:crypto';
import { type BreakerReport, type PolicySpec, PROTOCOL, type Report, type Totals } from '@fuseboard/schema';
import { NO_TOTALS } from '../src/core/fleet/totals.ts';
import { EventClient } from './event-client.ts';

/** What a breaker did since the last report, and how it is now. */
export interface Doing extends Partial<Totals> {
  readonly state?: BreakerReport['state'];
  readonly shadow?: boolean;
  readonly transitions?: BreakerReport['transitions'];
  readonly lastError?: BreakerReport['lastError'];
  /** Calls by bucket of latency. */
  readonly latency?: readonly number[];
}

interface KeptPolicy {
  totals: Totals;
  latency: number[];
  state: BreakerReport['state'];
  since: number;
}

/** Speaks the protocol as an agent does, and says of its breakers what a test tells it to. */
export class PlainAgent {
  readonly instance: string;
  readonly boot = randomBytes(16).toString('hex');
  readonly #url: string;
  readonly #namespace: string;
  readonly #service: string;
  readonly #labels: string;
  readonly #breakers = new Map<string, KeptPolicy>();
  #stream: EventClient | undefined;
  readonly #now: () => number;
  #sequence = 0;

  /** @param now a monotonic clock, in milliseconds. */
  constructor(url: string, namespace: string, service: string, instance: string, now = () => performance.now()) {
    this.#now = now;
    this.#url = url;
    this.#namespace = namespace;
    this.#service = service;
    this.instance = instance;
    this.#labels = `app=${service}`;
  }

  /** Connects, and resolves once it has its policies; rejects where it is refused. */
  async join(): Promise<this> {
    const query = new URLSearchParams({
      ...{ protocol: String(PROTOCOL), service: this.#service, instance: this.instance, boot: this.boot },
      ...{ namespace: this.#namespace, labels: this.#labels },
    });
    const stream = await EventClient.open(`${this.#url}/v1/stream?${query}`);
    this.#stream = stream;
    if (stream.status !== 200) throw new Error(`the stream of ${this.instance} was answered ${stream.status}`);
    await stream.until(({ event }) => event === 'commit');
    return this;
  }

  /** Adds what was done to its counts and reports. */
  async report(doings: Readonly<Record<string, Doing>>, rejections: Report['rejections'] = []): Promise<void> {
    const breakers = Object.entries(doings).map(([name, doing]) => this.#breaker(name, doing));
    this.#sequence += 1;
    const report: Report = {
      ...{ protocol: PROTOCOL, service: this.#service, instance: this.instance, boot: this.boot },
      ...{ sequence: this.#sequence, part: 1, parts: 1, revision: this.#last('commit').id!, rejections, breakers },
    };
    const answer = await fetch(`${this.#url}/v1/report?namespace=${this.#namespace}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(report),
    });
    if (!answer.ok) throw new Error(`the report was answered ${answer.status}: ${await answer.text()}`);
  }

  /** The policy that governs a breaker by the routes that came. */
  uid(breaker: string): string | undefined {
    const routes = this.#last('routes')?.data as [string, string][] | undefined;
    return routes?.find(([pattern]) =>
      pattern.endsWith('*') ? breaker.startsWith(pattern.slice(0, -1)) : pattern === breaker,
    )?.[1];
  }

  /** The spec of the policy that governs a breaker, as it came last. */
  spec(breaker: string): PolicySpec | undefined {
    const uid = this.uid(breaker);
    const came = this.#stream!.events.findLast(({ event, data }) => event === 'policy' && data.uid === uid);
    return came?.data.spec as PolicySpec | undefined;
  }

  close(): void {
    this.#stream?.close();
  }

  #last(name: string) {
    return this.#stream!.events.findLast(({ event }) => event === name)!;
  }

  #breaker(
    name: string,
    { state = 'closed', shadow, transitions, lastError, latency = [], ...counts }: Doing,
  ): BreakerReport {
    const now = this.#now();
    const before = this.#breakers.get(name) ?? { totals: NO_TOTALS, latency: [], state, since: now };
    const totals = { ...before.totals };
    for (const [key, count] of Object.entries(counts)) totals[key as keyof Totals] += count as number;
    const summed = Array.from({ length: Math.max(latency.length, before.latency.length) }, (_, i) => {
      return (before.latency[i] ?? 0) + (latency[i] ?? 0);
    });
    const since = before.state === state ? before.since : now;
    this.#breakers.set(name, { totals, latency: summed, state, since });
    const uid = this.uid(name);
    return {
      name,
      ...(uid !== undefined && { uid }),
      state,
      ...(shadow && { shadow }),
      since: now - since,
      totals,
      latency: summed,
      ...(transitions && { transitions }),
      ...(lastError && { lastError }),
    };
  }
}
