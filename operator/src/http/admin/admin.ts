import express, { type Express } from 'express';
import type { Logger } from 'pino';
import type { Controller } from '../controller.ts';
import type { Access } from '../core/access.ts';
import type { Clock } from '../core/clock.ts';
import type { History, Rollback } from '../core/history.ts';
import type { OverrideStore } from '../core/override.ts';
import { agentRoutes } from './admin/agents.ts';
import { protectBrowsers, warnBrowsers } from './admin/browser.ts';
import { descriptionRoutes } from './admin/description.ts';
import { explainRoutes } from './admin/explain.ts';
import { answerDenied } from './admin/guard.ts';
import { historyRoutes } from './admin/history.ts';
import { liveRoutes } from './admin/live-routes.ts';
import { overrideRoutes } from './admin/overrides.ts';
import { pageRoutes } from './admin/page.ts';
import { policyRoutes } from './admin/policies.ts';
import { sourceRoutes } from './admin/source.ts';
import type { Audit } from './audit.ts';
import { adminPaths } from './description/ports.ts';
import { refuseOtherMethods } from './methods.ts';
import { answerProblems, answerUnknown } from './problem.ts';

export interface AdminOptions {
  readonly controller: Controller;
  readonly access: Access;
  readonly overrides: OverrideStore;
  readonly history: History;
  readonly rollback: Rollback;
  readonly log: Logger;
  readonly audit: Audit;
  readonly clock: Clock;
  /** Milliseconds since 1970. */
  readonly wallClock: () => number;
  /** The name of this replica. */
  readonly replica: string;
  /** Aborted when this operator goes away: what would stay open ends. */
  readonly leaving: AbortSignal;
  readonly onError: (error: unknown) => void;
}

/** What people and the command line use: as JSON, policies with their status, agents, breakers, and why a policy governs; and the page. */
export function adminApp(options: AdminOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  app.use(warnBrowsers, refuseOtherMethods(adminPaths));
  app.use(protectBrowsers({ open: options.access.way === 'none' }));
  const all = [
    policyRoutes,
    agentRoutes,
    explainRoutes,
    historyRoutes,
    overrideRoutes,
    sourceRoutes,
    liveRoutes,
    pageRoutes,
    descriptionRoutes,
  ];
  for (const routes of all) app.use(routes(options));
  app.use(answerUnknown);
  app.use(answerDenied(options.audit));
  app.use(answerProblems(options.onError));
  return app;
}
