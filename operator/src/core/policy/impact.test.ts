import type { PolicySpec } from '@fuseboard/schema';
import { describe, expect, it } from '@jest/globals';
import { impactsOf } from './impact.ts';
import { routingOf } from './routing.ts';

const routing = (name: string, spec: PolicySpec, createdAt = 1) =>
  routingOf({ uid: name, name, createdAt, spec, problems: [] })!;

const agent = (instance: string, app: string, ...breakers: string[]) => ({
  instance,
  service: app,
  labels: { app },
  breakers,
});

describe('what a change would do', () => {
  const checkout = agent('pod-1', 'checkout', 'payments', 'search');
  const cart = agent('pod-2', 'cart', 'payments');

  it('names the agents of a policy whose spec differs', () => {
    const policies = [routing('payments', { breakers: ['payments'] })];
    expect(impactsOf(policies, policies, new Set(['payments']), [checkout, cart])).toEqual([
      { breaker: 'payments', from: 'payments', to: 'payments', agents: [checkout, cart] },
    ]);
  });

  it('leaves out what stays as it is', () => {
    const policies = [routing('payments', { breakers: ['payments'] }), routing('other', { breakers: ['search'] })];
    expect(impactsOf(policies, policies, new Set(['nothing']), [checkout, cart])).toEqual([]);
  });

  it('says when another policy takes a breaker over, on the agents that its selector takes', () => {
    const all = routing('all', { breakers: ['*'] });
    const narrow = routing('narrow', { breakers: ['payments'], selector: { matchLabels: { app: 'cart' } } });
    expect(impactsOf([all], [all, narrow], new Set(['narrow']), [checkout, cart])).toEqual([
      { breaker: 'payments', from: 'all', to: 'narrow', agents: [cart] },
    ]);
  });

  it('says when nothing governs a breaker any more, and when something begins to', () => {
    const payments = routing('payments', { breakers: ['payments'] });
    expect(impactsOf([payments], [], new Set(), [cart])).toEqual([
      { breaker: 'payments', from: 'payments', agents: [cart] },
    ]);
    expect(impactsOf([], [payments], new Set(['payments']), [cart])).toEqual([
      { breaker: 'payments', to: 'payments', agents: [cart] },
    ]);
  });
});
