import { expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import type { OutageSubject } from '../core/outages/outage.ts';
import { Outages } from '../core/outages/outages.ts';
import { Ring } from '../core/ring.ts';
import { outageMetrics } from './outages.ts';
import { readingInto } from './reading.ts';

it('counts outages that last by namespace, with what they refuse, and those that began', async () => {
  let now = 1_000_000;
  const outages = new Outages();
  const registry = new Registry();
  outageMetrics(readingInto(registry), outages, { now: () => now });
  const subject = (namespace: string, breaker: string, notClosed: number): OutageSubject => ({
    heardAt: 0,
    ...{ id: `${namespace}//${breaker}`, namespace, uid: '', breaker, agents: 2 },
    states: { open: notClosed, halfOpen: 0 },
    services: new Map([['checkout', { agents: 2, notClosed }]]),
    counted: new Ring(150, 4),
  });
  for (const breaker of ['payments', 'search']) {
    outages.opened(subject('shop', breaker, 1), { at: now, instance: 'pod-1', reason: 'failure-rate', labels: {} });
  }
  outages.count(subject('shop', 'payments', 1), [0, 0, 0, 40, 0], now, now);
  now += 2_000;
  const metrics = () => registry.metrics();
  expect(await metrics()).toContain('fuseboard_outages_open{namespace="shop"} 2');
  expect(await metrics()).toContain('fuseboard_outage_refused_calls_per_second{namespace="shop"} 4');
  outages.observe(subject('shop', 'payments', 0), now);
  expect(await metrics()).toContain('fuseboard_outages_open{namespace="shop"} 1');
  expect(await metrics()).toContain('fuseboard_outages_total 2');
});
