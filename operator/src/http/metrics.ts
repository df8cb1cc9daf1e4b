import express, { type Express } from 'express';
import type { Registry } from 'prom-client';
import { refuseForeignPages } from './foreign-pages.ts';
import { refuseOtherMethods } from './methods.ts';
import { metricsPaths } from './metrics.paths.ts';
import { answerProblems, answerUnknown } from './problem.ts';

export interface ProbesOptions {
  /** The listen address of the port. */
  readonly host: string;
  readonly registry: Registry;
  /** Returns why agents should not use this replica; undefined when it is ready. */
  readonly unready: () => string | undefined;
  readonly onError: (error: unknown) => void;
}

/**
 * Serves `/metrics`, `/livez` and `/readyz`. `/livez` only shows that the process answers, independent of its
 * dependencies.
 */
export function metricsApp({ host, registry, unready, onError }: ProbesOptions): Express {
  const app = express().disable('x-powered-by').disable('etag');
  app.use(refuseForeignPages({ host }), refuseOtherMethods(metricsPaths));
  app.get('/metrics', async (_request, response) => {
    response.set('content-type', registry.contentType).end(await registry.metrics());
  });
  app.get('/livez', (_request, response) => {
    response.type('text').send('ok\n');
  });
  app.get('/readyz', (_request, response) => {
    const reason = unready();
    response
      .status(reason === undefined ? 200 : 503)
      .type('text')
      .send(`${reason ?? 'ok'}\n`);
  });
  app.use(answerUnknown);
  app.use(answerProblems(onError));
  return app;
}
