import type { Controller } from '../control/controller.ts';
import type { MetricReader } from './reading.ts';

/** Requests that limits refused. */
export function limitMetrics({ counter }: MetricReader, { limits }: Controller): void {
  counter(
    'limited',
    'Requests, entries and connections that were refused, left out or closed at a limit; docs/limits.md explains each reason.',
    ['reason'],
    (add) => {
      for (const [reason, value] of Object.entries(limits.cut)) add({ reason }, value);
    },
  );
}
