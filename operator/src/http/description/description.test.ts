import { expect, it } from '@jest/globals';
import type { Express } from 'express';
import { adminApp } from '../admin/admin.ts';
import { agentsApp } from '../agents/agents.ts';
import { metricsApp } from '../metrics.ts';
import { openapi } from './openapi.ts';
import { PORTS } from './ports.ts';

interface Layer {
  readonly route?: { readonly path: string; readonly methods: Record<string, boolean> };
  readonly handle: { readonly stack?: readonly Layer[] };
}

/** Method and path of each route, at any depth of routers. */
const routes = (layers: readonly Layer[]): string[] =>
  layers.flatMap(({ route, handle }) =>
    route ? Object.keys(route.methods).map((method) => `${method} ${route.path}`) : routes(handle.stack ?? []),
  );
const routesOf = (app: Express) => routes((app as unknown as { router: { stack: Layer[] } }).router.stack);

/** The routes are only listed and never run, so dependencies may be missing. */
const parts = {
  access: { way: 'none' },
  authenticator: { way: 'none' },
  leaving: new AbortController().signal,
  controller: { snapshots: {}, fleet: {}, policyStatus: {}, source: {} },
} as never;
const APPS = { agents: agentsApp, metrics: metricsApp, admin: adminApp } as const;

it.each(PORTS.map((port) => [port.name, port] as const))('describes every route of the port for %s', (name, port) => {
  const described = port.endpoints.map(({ method, path }) => `${method} ${path}`);
  expect(routesOf(APPS[name](parts)).sort()).toEqual(described.sort());
});

it('gives every operation and every schema a name of its own, and refers to nothing that is not there', () => {
  const text = JSON.stringify(openapi(PORTS));
  const ids = [...text.matchAll(/"operationId":"([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const { components } = JSON.parse(text) as { components: { schemas: object } };
  const referred = new Set([...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)].map(([, name]) => name!));
  expect([...referred].sort()).toEqual(Object.keys(components.schemas));
});
