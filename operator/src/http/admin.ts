import express, { type Express } from 'express';
import type { Controller } from '../controller.ts';
import type { Access } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import { agentRoutes } from './admin/agents.ts';
import { protectBrowsers, warnBrowsers } from './admin/browser.ts';
import { descriptionRoutes } from './admin/description.ts';
import { explainRoutes } from './admin/explain.ts';
import { answerDenied } from './admin/guard.ts';
import { policyRoutes } from './admin/policies.ts';
import { sourceRoutes } from './admin/source.ts';
import type { Audit } from './audit.ts';
import { adminPaths } from './description/ports.ts';
import { refuseOtherMethods } from './methods.ts';
import { answerProblems, answerUnknown } from './problem.ts';

export interface AdminOptions {
  readonly controller: Controller;
  readonly access: Access;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/** What people and the command line use, as JSON: policies with their status, agents, and why a policy governs. */
export function adminApp(options: AdminOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  app.use(warnBrowsers, refuseOtherMethods(adminPaths));
  app.use(protectBrowsers({ open: options.access.way === 'none' }));
  for (const routes of [policyRoutes, agentRoutes, explainRoutes, sourceRoutes, descriptionRoutes])
    app.use(routes(options));
  app.use(answerUnknown);
  app.use(answerDenied(options.audit));
  app.use(answerProblems(options.onError));
  return app;
}
