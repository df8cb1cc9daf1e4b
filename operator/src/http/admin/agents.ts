import { Router } from 'express';
import { GONE_AFTER_MS, STALE_AFTER_MS } from '../../core/fleet.ts';
import type { AdminOptions } from '../admin.ts';
import { guard, seeing } from './guard.ts';
import { optionalText } from './parameters.ts';

/** How many agents one answer lists. */
export const MAX_AGENTS_LISTED = 1_000;

/** The agents of this replica. */
export function agentRoutes({ controller, clock, access }: AdminOptions): Router {
  const { fleet } = controller;
  return Router().get('/v1/agents', guard(access, seeing), (request, response) => {
    const namespace = optionalText(request, 'namespace');
    const now = clock.now();
    const items: unknown[] = [];
    let total = 0;
    for (const agent of fleet.agents(namespace)) {
      total += 1;
      if (items.length >= MAX_AGENTS_LISTED) continue;
      const { identity, heardAt, target, applied, streams, breakers } = agent;
      const silentMs = Math.round(now - heardAt);
      const state = silentMs >= GONE_AFTER_MS ? 'gone' : silentMs >= STALE_AFTER_MS ? 'stale' : 'live';
      const revision = { wanted: target?.revision, applied: applied?.revision };
      items.push({ ...identity, state, connected: streams > 0, silentMs, revision, breakers });
    }
    response.json({ total, items });
  });
}
