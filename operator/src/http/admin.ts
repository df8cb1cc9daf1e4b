import express, { type Express, type Request } from 'express';
import type { Controller } from '../controller.ts';
import type { Known } from '../core/boards.ts';
import type { Clock } from '../core/clock.ts';
import { explain } from '../core/explain.ts';
import { GONE_AFTER_MS, STALE_AFTER_MS } from '../core/fleet.ts';
import { DEFAULT_NAMESPACE } from '../core/namespace.ts';
import { parseLabels } from '../core/selector.ts';
import { conditionOf } from '../core/status.ts';
import { answerProblems, answerUnknown, Refusal } from './problem.ts';

/** How many agents one answer lists. */
export const MAX_AGENTS_LISTED = 1_000;

export interface AdminOptions {
  readonly controller: Controller;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** What people and the command line read: policies with their status, agents, and why a policy governs. JSON, read-only. */
export function adminApp({ controller, clock, onError }: AdminOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  const { boards, fleet, judge, source } = controller;

  const shown = ({ policy, entry }: Known) => ({
    namespace: policy.namespace,
    name: policy.name,
    uid: policy.uid,
    generation: policy.generation,
    createdAt: policy.createdAt,
    hold: entry.hold,
    spec: policy.spec,
    problems: policy.problems,
    status: judge.status(policy) ?? {},
  });

  app.get('/v1/policies', (request, response) => {
    const namespaces = request.query.namespace === undefined ? boards.namespaces() : [text(request, 'namespace')];
    const policies = namespaces.flatMap((namespace) => boards.policies(namespace)).map(shown);
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
    response.json({ items: items.sort((a, b) => order(a.namespace, b.namespace) || order(a.name, b.name)) });
  });

  app.get('/v1/policies/:namespace/:name', (request, response) => {
    const { namespace, name } = request.params;
    const known = boards.policies(namespace).find(({ policy }) => policy.name === name);
    if (!known) throw new Refusal(404, `there is no policy "${name}" in namespace "${namespace}"`);
    response.json(shown(known));
  });

  app.get('/v1/agents', (request, response) => {
    const namespace = request.query.namespace === undefined ? undefined : text(request, 'namespace');
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

  app.get('/v1/explain', (request, response) => {
    const namespace = request.query.namespace === undefined ? DEFAULT_NAMESPACE : text(request, 'namespace');
    const breaker = text(request, 'breaker');
    let labels: Record<string, string>;
    try {
      labels = parseLabels(request.query.labels === undefined ? '' : text(request, 'labels'));
    } catch (error) {
      throw new Refusal(400, (error as Error).message);
    }
    const routings = boards.policies(namespace).flatMap(({ routing }) => routing ?? []);
    response.json({ namespace, labels, ...explain(routings, labels, breaker) });
  });

  app.get('/v1/source', (_request, response) => {
    const { synced, outage, asOf, policies, problems } = source.state();
    response.json({ kind: source.kind, synced, outage, asOf, policies: policies.size, problems });
  });

  app.use(answerUnknown);
  app.use(answerProblems(onError));
  return app;
}

function text(request: Request, name: string): string {
  const value = request.query[name];
  if (typeof value !== 'string' || value === '') throw new Refusal(400, `${name}: must be given once, and not empty`);
  return value;
}

const order = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
