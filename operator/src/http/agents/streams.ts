import type { ServerResponse } from 'node:http';
import type { Delivery, Subscriber } from '../../control/delivery.ts';
import type { Agent, Identity } from '../../core/fleet/agent-record.ts';
import type { Receipt } from '../../core/fleet/fleet.ts';
import { AgentStream } from './stream.ts';

export interface StreamsOptions {
  readonly delivery: Delivery;
  /** URL for reports to this replica; absent: the URL of the stream. */
  readonly reportUrl?: string;
  /** Heartbeat interval, in ms; absent: 15000. */
  readonly heartbeatMs?: number;
  /** Maximum age of a stream, in ms, with 10 % jitter. Its agent is then asked to reconnect. Absent: 30 min. */
  readonly maxAgeMs?: number;
  readonly random: () => number;
  readonly wallClock: () => number;
}

/** The request of an agent that opens a stream. */
export interface StreamOpening {
  /** The revision that the agent reports to have. */
  readonly revision: string | undefined;
  /** Whether the agent must discard its generation floors, because the store was restored. */
  readonly reset: boolean;
  /** Expiry of the agent's token, in ms since 1970. The agent is then asked to reconnect. Absent: never. */
  readonly expiresAt?: number | undefined;
}

/** Counts of streams and reports since the process started, for metrics. */
export interface Traffic {
  opened: number;
  readonly refused: Record<string, number>;
  readonly reports: Record<Receipt['kind'], number>;
  commits: number;
  bytes: number;
}

/** The open streams of this replica, one for each agent. */
export class Streams {
  readonly traffic: Traffic = {
    opened: 0,
    refused: { draining: 0, unsynced: 0, storm: 0, behind: 0, quota: 0 },
    reports: { accepted: 0, repeated: 0, unknown: 0 },
    commits: 0,
    bytes: 0,
  };
  readonly #options: StreamsOptions;
  readonly #streams = new Map<Agent, AgentStream>();
  #draining = false;

  constructor(options: StreamsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Whether new streams are refused because of a shutdown. */
  get draining(): boolean {
    return this.#draining;
  }

  refused(reason: string): void {
    this.traffic.refused[reason] = (this.traffic.refused[reason] ?? 0) + 1;
  }

  reported(kind: Receipt['kind']): void {
    this.traffic.reports[kind] += 1;
  }

  /** Answers an agent with a stream and its target snapshot. A previous stream of the agent is cut. */
  open(
    response: ServerResponse,
    identity: Identity,
    { revision, reset, expiresAt = Number.POSITIVE_INFINITY }: StreamOpening,
  ): void {
    const { delivery, heartbeatMs = 15_000, maxAgeMs = 1_800_000 } = this.#options;
    const { reportUrl, random, wallClock } = this.#options;
    const agent = delivery.connect(identity);
    const asOf = () => delivery.versionsOf(agent.identity.namespace);
    const stream = new AgentStream(response, {
      base: delivery.recentlySent(agent, revision),
      revision,
      reportUrl,
      heartbeatMs,
      asOf,
      now: wallClock,
      sending: (next) => delivery.sending(agent, next),
      sent: (_snapshot, bytes) => {
        this.traffic.commits += 1;
        this.traffic.bytes += bytes;
      },
    });
    this.#streams.get(agent)?.cut();
    this.#streams.set(agent, stream);
    const subscriber: Subscriber = (next, since) => stream.offer({ snapshot: next, asOf: since });
    delivery.subscribe(agent, subscriber);
    this.traffic.opened += 1;
    const ageMs = Math.min(maxAgeMs * (0.9 + 0.2 * random()), Math.max(0, expiresAt - wallClock()));
    const old = setTimeout(() => stream.goaway(random() * 1_000), ageMs);
    response.on('close', () => {
      clearTimeout(old);
      delivery.disconnect(agent, subscriber);
      if (this.#streams.get(agent) === stream) this.#streams.delete(agent);
    });
    if (agent.target !== undefined) stream.offer({ snapshot: agent.target, asOf: asOf(), reset });
  }

  /** Refuses new streams and asks agents with open ones to reconnect, spread over `spreadMs`. */
  drain(spreadMs: number): void {
    this.#draining = true;
    for (const stream of this.#streams.values()) stream.goaway(this.#options.random() * spreadMs);
  }
}
