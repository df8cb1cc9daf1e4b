import { historyPaths } from '../admin/changes/history.paths.ts';
import { overridePaths } from '../admin/changes/overrides.paths.ts';
import { thresholdPaths } from '../admin/changes/thresholds.paths.ts';
import { agentPaths } from '../admin/fleet/agents.paths.ts';
import { explainPaths } from '../admin/fleet/explain.paths.ts';
import { policyPaths } from '../admin/fleet/policies.paths.ts';
import { sourcePaths } from '../admin/fleet/source.paths.ts';
import { livePaths } from '../admin/live/live.paths.ts';
import { outagePaths } from '../admin/live/outages.paths.ts';
import { timelinePaths } from '../admin/live/timeline.paths.ts';
import { descriptionPaths } from '../admin/page/description.paths.ts';
import { pagePaths } from '../admin/page/page.paths.ts';
import { agentsPaths } from '../agents/agents.paths.ts';
import { metricsPaths } from '../metrics.paths.ts';
import type { Endpoint, Port } from './endpoint.ts';

export const adminPaths: readonly Endpoint[] = [
  ...policyPaths,
  ...agentPaths,
  ...explainPaths,
  ...sourcePaths,
  ...overridePaths,
  ...historyPaths,
  ...thresholdPaths,
  ...livePaths,
  ...outagePaths,
  ...timelinePaths,
  ...pagePaths,
  ...descriptionPaths,
];

/** The description of all ports. A test compares it with the routes. */
export const PORTS: readonly Port[] = [
  {
    name: 'agents',
    description: 'What agents speak to.',
    servers: ['https://fuseboard.fuseboard-system.svc:8443', 'http://127.0.0.1:8700'],
    token: 'On the port of agents: a projected token of their ServiceAccount for the audience `fuseboard`.',
    endpoints: agentsPaths,
  },
  {
    name: 'metrics',
    description: 'Metrics and probes.',
    servers: ['http://127.0.0.1:8080', 'http://127.0.0.1:8701'],
    endpoints: metricsPaths,
  },
  {
    name: 'admin',
    description: 'What people, the command line and the page speak to.',
    servers: ['http://127.0.0.1:8081', 'http://127.0.0.1:8702'],
    token: 'On the admin port: the token that a person uses for the API server.',
    endpoints: adminPaths,
  },
];
