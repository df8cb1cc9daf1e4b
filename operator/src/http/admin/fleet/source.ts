import { Router } from 'express';
import type { Source } from '../answers/source.ts';
import { authorize, readAttributes } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/** Route for the source of policies and its readability. `policies` counts the policies of the requested namespace. */
export function sourceRoutes({ controller: { source }, access }: AdminOptions): Router {
  return Router().get('/v1/source', authorize(access, readAttributes), (request, response) => {
    const namespace = optionalText(request, 'namespace');
    const { synced, unreadable, resourceVersion, policies, problems } = source.state();
    const counted = [...policies.values()].filter(
      (policy) => namespace === undefined || policy.namespace === namespace,
    );
    response.json({
      kind: source.kind,
      synced,
      outage: unreadable,
      asOf: resourceVersion,
      policies: counted.length,
      problems,
    } satisfies Source);
  });
}
