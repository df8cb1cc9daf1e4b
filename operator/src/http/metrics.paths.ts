import { z } from 'zod';
import { type Endpoint, refusals } from './description/endpoint.ts';

const text = z.string();

export const metricsPaths: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus.',
    answers: { 200: { description: 'The metrics.', schema: text, type: 'text/plain' }, ...refusals(403) },
  },
  {
    method: 'get',
    path: '/livez',
    summary: 'Whether the process answers, whatever it can reach.',
    answers: { 200: { description: 'It does.', schema: text, type: 'text/plain' }, ...refusals(403) },
  },
  {
    method: 'get',
    path: '/readyz',
    summary: 'Whether agents should be sent here.',
    answers: {
      200: { description: 'They should.', schema: text, type: 'text/plain' },
      ...refusals(403),
      503: { description: 'Not now; the text says why.', schema: text, type: 'text/plain' },
    },
  },
];
