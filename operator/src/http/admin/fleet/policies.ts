import { tooDeep } from '@fuseboard/schema';
import { Router } from 'express';
import type { PolicySnapshot } from '../../../core/delivery/snapshot-cache.ts';
import { compareText } from '../../../core/policy/compare-text.ts';
import { conditionOf } from '../../../core/policy/condition.ts';
import { policyAgents } from '../../../core/views/agent-row.ts';
import type { PolicyAgents, PolicyDetail, PolicyList } from '../answers/policies.ts';
import { authorize, readAttributes } from '../authorize.ts';
import { namedPolicy } from '../named-policy.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/**
 * Maximum number of agents in the answer for one policy. Agents without the policy or with open circuits come first.
 */
const MAX_AGENTS_OF_POLICY = 200;

/** Routes for policies with their status. */
export function policyRoutes({ controller, access, clock }: AdminOptions): Router {
  const { snapshots, fleet, policyStatus: reconciler } = controller;
  const see = authorize(access, readAttributes);

  const shown = ({ policy, entry }: PolicySnapshot) => ({
    namespace: policy.namespace,
    name: policy.name,
    uid: policy.uid,
    generation: policy.generation,
    createdAt: policy.createdAt,
    hold: entry.hold,
    spec: tooDeep(policy.spec) ? undefined : policy.spec,
    problems: policy.problems,
    ...(policy.links && { links: policy.links }),
    status: reconciler.status(policy) ?? {},
  });

  return Router()
    .get('/v1/policies', see, (request, response) => {
      const namespace = optionalText(request, 'namespace');
      const namespaces = namespace === undefined ? snapshots.namespaces() : [namespace];
      const policies = namespaces.flatMap((one) => snapshots.policies(one)).map(shown);
      const items = policies.map(({ namespace, name, uid, generation, spec, status }) => {
        const state = (type: 'Accepted' | 'Programmed' | 'Healthy') => conditionOf(status, type)?.status ?? 'Unknown';
        return {
          namespace,
          name,
          uid,
          generation,
          breakers: spec?.breakers,
          mode: spec?.mode,
          accepted: state('Accepted'),
          programmed: state('Programmed'),
          healthy: state('Healthy'),
          applied: status.agents?.summary,
          open: status.breakers?.open,
        };
      });
      response.json({
        items: items.sort((a, b) => compareText(a.namespace, b.namespace) || compareText(a.name, b.name)),
      } satisfies PolicyList);
    })
    .get('/v1/policies/:namespace/:name', see, (request, response) => {
      response.json(shown(namedPolicy(snapshots, request)) satisfies PolicyDetail);
    })
    .get('/v1/policies/:namespace/:name/agents', see, (request, response) => {
      const known = namedPolicy(snapshots, request);
      const found = policyAgents(fleet.agents(known.policy.namespace), known, clock.now());
      const { generation, hold } = known.entry;
      response.json({
        generation,
        hold,
        total: found.length,
        items: found.slice(0, MAX_AGENTS_OF_POLICY),
      } satisfies PolicyAgents);
    });
}
