import type { Controller } from '../control/controller.ts';
import type { MetricReader } from './reading.ts';

/** What bounds cut. */
export function limitMetrics({ counter }: MetricReader, { limits }: Controller): void {
  counter(
    'limited',
    'What was refused, left out or closed at a bound, by its row in docs/limits.md.',
    ['reason'],
    (add) => {
      for (const [reason, value] of Object.entries(limits.cut)) add({ reason }, value);
    },
  );
}
