import express, { type Express } from 'express';
import type { Controller } from '../controller.ts';
import type { Access } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { agentRoutes } from './admin/agents.ts';
import { explainRoutes } from './admin/explain.ts';
import { policyRoutes } from './admin/policies.ts';
import { sourceRoutes } from './admin/source.ts';
import { answerProblems, answerUnknown } from './problem.ts';

export interface AdminOptions {
  readonly controller: Controller;
  readonly access: Access;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** What people and the command line use, as JSON: policies with their status, agents, and why a policy governs. */
export function adminApp(options: AdminOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  for (const routes of [policyRoutes, agentRoutes, explainRoutes, sourceRoutes]) app.use(routes(options));
  app.use(answerUnknown);
  app.use(answerProblems(options.onError));
  return app;
}
