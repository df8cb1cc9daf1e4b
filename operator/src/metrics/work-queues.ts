import { Counter, Gauge, Histogram, type Metric } from 'prom-client';
import type { Clock } from '../core/clock.ts';
import type { QueueObserver } from '../ports/queue-observer.ts';

/** Buckets in seconds, from an idle loop to a write that waited for the end of an outage. */
const BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const RESULTS = ['success', 'error'] as const;
const registers: [] = [];
const labelNames = ['name'] as const;

interface Queue {
  /** When each waiting item was added, by key. */
  readonly waiting: Map<string, number>;
  /** When the work on each item started, by key. */
  readonly working: Map<string, number>;
}

/**
 * Metrics of the operator's queues and their workers, under the names of client-go and controller-runtime, so that
 * existing dashboards and alerts for controllers work. A queue and its worker share one name.
 */
export class WorkQueues {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();
  readonly #adds = new Counter({
    name: 'workqueue_adds_total',
    help: 'Items that were added to a queue.',
    labelNames,
    registers,
  });
  readonly #retries = new Counter({
    name: 'workqueue_retries_total',
    help: 'Items that were added again because processing them failed.',
    labelNames,
    registers,
  });
  readonly #queued = new Histogram({
    name: 'workqueue_queue_duration_seconds',
    help: 'How long items waited in a queue, including pauses between two writes and after failures.',
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  readonly #worked = new Histogram({
    name: 'workqueue_work_duration_seconds',
    help: 'How long it took to process an item.',
    labelNames,
    buckets: BUCKETS,
    registers,
  });
  readonly #results = new Counter({
    name: 'controller_runtime_reconcile_total',
    help: 'Reconciliations, by result.',
    labelNames: ['controller', 'result'],
    registers,
  });
  readonly #errors = new Counter({
    name: 'controller_runtime_reconcile_errors_total',
    help: 'Reconciliations that failed.',
    labelNames: ['controller'],
    registers,
  });
  readonly #time = new Histogram({
    name: 'controller_runtime_reconcile_time_seconds',
    help: 'How long a reconciliation took.',
    labelNames: ['controller'],
    buckets: BUCKETS,
    registers,
  });

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** An observer for a queue. The queue's series exist from this call on. */
  queue(name: string): QueueObserver {
    const queue: Queue = { waiting: new Map(), working: new Map() };
    this.#queues.set(name, queue);
    const clock = this.#clock;
    const seconds = (since: number | undefined) => (clock.now() - (since ?? clock.now())) / 1_000;
    this.#adds.inc({ name }, 0);
    this.#retries.inc({ name }, 0);
    this.#errors.inc({ controller: name }, 0);
    for (const result of RESULTS) this.#results.inc({ controller: name, result }, 0);
    for (const histogram of [this.#queued, this.#worked]) histogram.zero({ name });
    this.#time.zero({ controller: name });
    return {
      added: (key) => {
        if (queue.waiting.has(key)) return;
        queue.waiting.set(key, clock.now());
        this.#adds.inc({ name });
      },
      taken: (key) => {
        this.#queued.observe({ name }, seconds(queue.waiting.get(key)));
        queue.waiting.delete(key);
        queue.working.set(key, clock.now());
      },
      dropped: (key) => void queue.waiting.delete(key),
      done: (key, result) => {
        const took = seconds(queue.working.get(key));
        queue.working.delete(key);
        this.#worked.observe({ name }, took);
        this.#time.observe({ controller: name }, took);
        this.#results.inc({ controller: name, result });
        if (result === 'error') this.#errors.inc({ controller: name });
      },
      retried: () => this.#retries.inc({ name }),
    };
  }

  get metrics(): readonly Metric[] {
    const gauge = (name: string, help: string, read: (queue: Queue, now: number) => number) => {
      const [queues, clock] = [this.#queues, this.#clock];
      return new Gauge({
        name: `workqueue_${name}`,
        help,
        labelNames,
        registers,
        collect() {
          for (const [of, queue] of queues) this.set({ name: of }, read(queue, clock.now()));
        },
      });
    };
    const ages = ({ working }: Queue, now: number) => [...working.values()].map((since) => (now - since) / 1_000);
    return [
      gauge('depth', 'Items waiting in a queue.', ({ waiting }) => waiting.size),
      gauge(
        'unfinished_work_seconds',
        'How long the items in progress have been processed so far, in total.',
        (queue, now) => ages(queue, now).reduce((sum, age) => sum + age, 0),
      ),
      gauge(
        'longest_running_processor_seconds',
        'How long the longest-running item in progress has been processed so far.',
        (queue, now) => Math.max(0, ...ages(queue, now)),
      ),
      ...[this.#adds, this.#retries, this.#queued, this.#worked, this.#results, this.#errors, this.#time],
    ];
  }
}
