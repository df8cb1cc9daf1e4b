import { OverrideSpecFields, overrideProblems } from '@fuseboard/schema';
import express, { type Request, Router } from 'express';
import type { z } from 'zod';
import { NAMESPACE_PATTERN } from '../../../core/policy/namespace.ts';
import { newestFirst, type Override } from '../../../core/policy/override.ts';
import type { ResourceAttributes } from '../../../ports/access.ts';
import { Problem } from '../../../ports/problem.ts';
import { parse } from '../../problem.ts';
import type { OverrideList, ShownOverride } from '../answers/overrides.ts';
import { authorize, senderOf } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/** The body of `POST /v1/overrides/{namespace}`: the spec of an override. */
export const NewOverrideSchema = OverrideSpecFields;

const MAX_BODY = '64kb';

const attributes =
  (verb: ResourceAttributes['verb']) =>
  (request: Request): ResourceAttributes => {
    const namespace = request.params.namespace ?? request.query.namespace;
    return { verb, resource: 'circuitbreakeroverrides', ...(typeof namespace === 'string' && { namespace }) };
  };

/** Routes that list, create and delete overrides on behalf of the user of the request. */
export function overrideRoutes({ controller, access, overrides: store, log }: AdminOptions): Router {
  const shown = (override: Override): ShownOverride => {
    const { namespace, name, uid, createdAt, createdBy, expiresAt, spec, problems } = override;
    const { breakers, action, reason, selector } = problems.length === 0 ? spec : {};
    const status = controller.overrideStatus.status(override) ?? {};
    return {
      ...{ namespace, name, uid, createdAt, ...(createdBy !== undefined && { createdBy }), expiresAt },
      ...{ breakers, action, reason, selector, problems: [...problems], status },
    };
  };
  const all = () => [...(controller.source.state().overrides?.values() ?? [])];
  const find = (request: Request): Override => {
    const { namespace, name } = request.params as { namespace: string; name: string };
    const found = all().find((one) => one.namespace === namespace && one.name === name);
    if (!found) throw new Problem(404, `there is no override "${name}" in namespace "${namespace}"`);
    return found;
  };

  return Router()
    .get('/v1/overrides', authorize(access, attributes('list')), (request, response) => {
      const namespace = optionalText(request, 'namespace');
      const items = all()
        .filter((one) => namespace === undefined || one.namespace === namespace)
        .sort(newestFirst)
        .map(shown);
      response.json({ items } satisfies OverrideList);
    })
    .get('/v1/overrides/:namespace/:name', authorize(access, attributes('get')), (request, response) => {
      response.json(shown(find(request)));
    })
    .post(
      '/v1/overrides/:namespace',
      authorize(access, attributes('create')),
      express.json({ limit: MAX_BODY, type: 'application/json', inflate: false }),
      async (request, response) => {
        const { namespace } = request.params as { namespace: string };
        if (!NAMESPACE_PATTERN.test(namespace))
          throw new Problem(400, `namespace: "${namespace}" is not a valid namespace name`);
        if (!request.is('application/json')) throw new Problem(415, 'content-type: must be application/json');
        const spec = readSpec(request.body);
        const { name: createdBy } = senderOf(response);
        const made = await store.create({ namespace, spec, createdBy });
        log.info({ audit: true, by: createdBy, namespace, override: made.name, ...spec }, 'override created');
        response
          .status(201)
          .location(`/v1/overrides/${namespace}/${encodeURIComponent(made.name)}`)
          .json(shown(made));
      },
    )
    .delete('/v1/overrides/:namespace/:name', authorize(access, attributes('delete')), async (request, response) => {
      const found = find(request);
      await store.remove(found);
      const { namespace, name } = found;
      log.info({ audit: true, by: senderOf(response).name, namespace, override: name }, 'override removed');
      response.status(204).end();
    });
}

function readSpec(body: unknown): z.infer<typeof NewOverrideSchema> {
  const spec = parse(NewOverrideSchema, body);
  const [problem] = overrideProblems(spec);
  if (problem) throw new Problem(400, `${problem.field.replace(/^spec\./, '')}: ${problem.message}`);
  return spec;
}
