import { Router } from 'express';
import { explain } from '../../../core/policy/explain.ts';
import { DEFAULT_NAMESPACE } from '../../../core/policy/namespace.ts';
import { parseLabels } from '../../../core/policy/selector.ts';
import { Problem } from '../../../ports/problem.ts';
import type { ExplanationAnswer } from '../answers/explain.ts';
import { authorize } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText, text } from '../parameters.ts';

/** Route that explains which policy governs a breaker, and why the others do not. */
export function explainRoutes({ controller, access }: AdminOptions): Router {
  const { snapshots } = controller;
  const see = authorize(access, (request) => ({
    verb: 'list',
    resource: 'circuitbreakerpolicies',
    namespace: optionalText(request, 'namespace') ?? DEFAULT_NAMESPACE,
  }));
  return Router().get('/v1/explain', see, (request, response) => {
    const namespace = optionalText(request, 'namespace') ?? DEFAULT_NAMESPACE;
    const breaker = text(request, 'breaker');
    let labels: Record<string, string>;
    try {
      labels = parseLabels(optionalText(request, 'labels') ?? '');
    } catch (error) {
      throw new Problem(400, (error as Error).message);
    }
    const routings = snapshots.policies(namespace).flatMap(({ routing }) => routing ?? []);
    const override = snapshots.overrideFor(namespace, labels, breaker);
    response.json({
      ...{ namespace, labels, ...explain(routings, labels, breaker) },
      ...(override && { override: { name: override.name, ...override.spec, expiresAt: override.expiresAt } }),
    } satisfies ExplanationAnswer);
  });
}
