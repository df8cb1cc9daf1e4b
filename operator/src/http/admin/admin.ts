import express, { type Express } from 'express';
import { adminPaths } from '../description/ports.ts';
import { refuseOtherMethods } from '../methods.ts';
import { answerProblems, answerUnknown } from '../problem.ts';
import { answerDenied } from './authorize.ts';
import { protectBrowsers, warnBrowsers } from './browser.ts';
import { historyRoutes } from './changes/history.ts';
import { overrideRoutes } from './changes/overrides.ts';
import { thresholdRoutes } from './changes/thresholds.ts';
import { agentRoutes } from './fleet/agents.ts';
import { explainRoutes } from './fleet/explain.ts';
import { policyRoutes } from './fleet/policies.ts';
import { sourceRoutes } from './fleet/source.ts';
import { liveRoutes } from './live/live-routes.ts';
import { outageRoutes } from './live/outages.ts';
import { timelineRoutes } from './live/timeline.ts';
import type { AdminOptions } from './options.ts';
import { descriptionRoutes } from './page/description.ts';
import { pageRoutes } from './page/page.ts';

/**
 * The admin API and the page. The API returns policies with their status, agents, breakers, and explanations of
 * governing policies, as JSON for the page and the command line.
 */
export function adminApp(options: AdminOptions): Express {
  const app = express().disable('x-powered-by').set('query parser', 'simple');
  app.use(warnBrowsers, refuseOtherMethods(adminPaths));
  app.use(protectBrowsers({ open: options.access.method === 'none' }));
  const all = [
    policyRoutes,
    agentRoutes,
    explainRoutes,
    historyRoutes,
    thresholdRoutes,
    overrideRoutes,
    sourceRoutes,
    liveRoutes,
    outageRoutes,
    timelineRoutes,
    pageRoutes,
    descriptionRoutes,
  ];
  for (const routes of all) app.use(routes(options));
  app.use(answerUnknown);
  app.use(answerDenied(options.audit));
  app.use(answerProblems(options.onError));
  return app;
}
