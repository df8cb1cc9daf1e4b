import { Router } from 'express';
import type { AdminOptions } from '../admin.ts';
import { guard } from './guard.ts';

/** Where the policies come from, and whether they can be read. */
export function sourceRoutes({ controller: { source }, access }: AdminOptions): Router {
  const see = guard(access, () => ({ verb: 'list', resource: 'circuitbreakerpolicies' }));
  return Router().get('/v1/source', see, (_request, response) => {
    const { synced, outage, asOf, policies, problems } = source.state();
    response.json({ kind: source.kind, synced, outage, asOf, policies: policies.size, problems });
  });
}
