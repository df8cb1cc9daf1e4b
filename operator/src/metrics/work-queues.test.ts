import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { observed } from '../ports/queue-observer.ts';
import { WorkQueues } from './work-queues.ts';

function scene() {
  const clock = { at: 0, now: () => clock.at };
  const queues = new WorkQueues(clock);
  const registry = new Registry();
  for (const metric of queues.metrics) registry.registerMetric(metric);
  return { clock, queue: queues.queue('writes'), text: () => registry.metrics() };
}

it('shows every series of a queue at zero before anything happens', async () => {
  const { text } = scene();
  const shown = await text();
  for (const series of [
    'workqueue_depth{name="writes"} 0',
    'workqueue_adds_total{name="writes"} 0',
    'workqueue_queue_duration_seconds_count{name="writes"} 0',
    'controller_runtime_reconcile_total{controller="writes",result="error"} 0',
    'controller_runtime_reconcile_errors_total{controller="writes"} 0',
    'controller_runtime_reconcile_time_seconds_bucket{le="+Inf",controller="writes"} 0',
  ]) {
    expect(shown).toContain(`${series}\n`);
  }
});

it('measures the wait from the first time that an item was added, and the work from when it was taken', async () => {
  const { clock, queue, text } = scene();
  queue.added('a');
  clock.at = 2_000;
  queue.added('a');
  queue.added('b');
  clock.at = 4_000;
  queue.taken('a');
  clock.at = 7_000;
  const under = await text();
  expect(under).toContain('workqueue_depth{name="writes"} 1\n');
  expect(under).toContain('workqueue_adds_total{name="writes"} 2\n');
  expect(under).toContain('workqueue_queue_duration_seconds_sum{name="writes"} 4\n');
  expect(under).toContain('workqueue_unfinished_work_seconds{name="writes"} 3\n');
  expect(under).toContain('workqueue_longest_running_processor_seconds{name="writes"} 3\n');
  queue.done('a', 'success');
  const over = await text();
  expect(over).toContain('workqueue_work_duration_seconds_sum{name="writes"} 3\n');
  expect(over).toContain('workqueue_unfinished_work_seconds{name="writes"} 0\n');
  expect(over).toContain('controller_runtime_reconcile_total{controller="writes",result="success"} 1\n');
});

it('counts what failed, and throws on what the work threw', async () => {
  const { queue, text } = scene();
  const work = () => {
    throw new Error('no');
  };
  expect(() => observed(queue, 'a', work)).toThrow('no');
  const shown = await text();
  expect(shown).toContain('controller_runtime_reconcile_total{controller="writes",result="error"} 1\n');
  expect(shown).toContain('controller_runtime_reconcile_errors_total{controller="writes"} 1\n');
  expect(shown).toContain('workqueue_unfinished_work_seconds{name="writes"} 0\n');
});
