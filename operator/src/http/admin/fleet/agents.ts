import { Router } from 'express';
import type { Agent } from '../../../core/fleet/agent-record.ts';
import { agentDetail, breakerRows, guardedRows } from '../../../core/views/agent-row.ts';
import { agentState } from '../../../core/views/overview.ts';
import { Problem } from '../../../ports/problem.ts';
import { type AgentDetail, type AgentList, MAX_AGENTS_LISTED } from '../answers/agents.ts';
import { authorize, readAttributes } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/** Routes for the agents of this replica. */
export function agentRoutes({ controller, clock, access, replica }: AdminOptions): Router {
  const { fleet, snapshots } = controller;

  const shown = (agent: Agent, now: number) => {
    const { identity, heardAt, target, applied, streams } = agent;
    const silentMs = Math.round(now - heardAt);
    const state = agentState(agent, now);
    const revision = { wanted: target?.revision, applied: applied?.revision };
    const rejected = agent.rejections.size;
    return {
      ...identity,
      state,
      connected: streams > 0,
      silentMs,
      revision,
      rejected,
      ...(agent.guarded.size > 0 && { guarded: guardedRows(agent) }),
      breakers: breakerRows(agent, now),
    };
  };

  return Router()
    .get('/v1/agents', authorize(access, readAttributes), (request, response) => {
      const namespace = optionalText(request, 'namespace');
      const search = (optionalText(request, 'search') ?? '').toLowerCase().split(/\s+/).slice(0, 8);
      const now = clock.now();
      const found: Agent[] = [];
      let total = 0;
      for (const agent of fleet.agents(namespace)) {
        const { namespace: home, service, instance, labels, language = '', version = '' } = agent.identity;
        const said = [home, service, instance, agentState(agent, now), language, version, JSON.stringify(labels)];
        const text = said.join(' ').toLowerCase();
        if (!search.every((word) => text.includes(word))) continue;
        total += 1;
        if (found.length < MAX_AGENTS_LISTED) found.push(agent);
      }
      const others = controller.otherReplicas;
      response.json({ replica, others, total, items: found.map((agent) => shown(agent, now)) } satisfies AgentList);
    })
    .get('/v1/agents/:namespace/:boot', authorize(access, readAttributes), (request, response) => {
      const { namespace, boot } = request.params as { namespace: string; boot: string };
      for (const agent of fleet.agents(namespace)) {
        if (agent.identity.boot !== boot) continue;
        const routings = snapshots.policies(namespace).flatMap(({ routing }) => routing ?? []);
        response.json(agentDetail(agent, routings, clock.now()) satisfies AgentDetail);
        return;
      }
      throw new Problem(404, `this replica knows no agent "${boot}" in namespace "${namespace}"`);
    });
}
