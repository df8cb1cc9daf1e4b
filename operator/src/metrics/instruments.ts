import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { Counter, Histogram, type Metric } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import type { KubeAnswer } from '../kube/api/client.ts';
import { REQUEST_CHANNEL } from '../kube/api/client.ts';
import { WorkQueues } from './work-queues.ts';

const registers: [] = [];

/** Metrics that are recorded as events happen. All others are read from the operator's state at a scrape. */
export class Instruments {
  readonly queues: WorkQueues;
  readonly #applied = new Histogram({
    name: 'fuseboard_apply_duration_seconds',
    help: 'Time from a change that this replica observed until an agent applied it; one observation for each change and agent.',
    buckets: [0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    registers,
  });
  readonly #requests = new Counter({
    name: 'rest_client_requests_total',
    help: 'Requests to the API server, by the status of the response; <error> means no response.',
    labelNames: ['code', 'method', 'host'],
    registers,
  });
  readonly #count = (message: unknown) => {
    const { code, method, host } = message as KubeAnswer;
    this.#requests.inc({ code: code === undefined ? '<error>' : String(code), method, host });
  };

  constructor(clock: Clock) {
    this.queues = new WorkQueues(clock);
    subscribe(REQUEST_CHANNEL, this.#count);
  }

  /** Records the propagation time of a change that an agent applied. */
  applied(tookMs: number): void {
    this.#applied.observe(tookMs / 1_000);
  }

  get metrics(): readonly Metric[] {
    return [this.#applied, this.#requests, ...this.queues.metrics];
  }

  stop(): void {
    unsubscribe(REQUEST_CHANNEL, this.#count);
  }
}
