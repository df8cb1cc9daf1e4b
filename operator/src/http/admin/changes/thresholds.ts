import express, { Router } from 'express';
import { z } from 'zod';
import { Problem } from '../../../ports/problem.ts';
import { parse } from '../../problem.ts';
import { authorize, editAttributes, senderOf } from '../authorize.ts';
import { namedPolicy } from '../named-policy.ts';
import type { AdminOptions } from '../options.ts';

/** A section of a spec. The source of the policy validates it. */
const section = z.record(z.string(), z.unknown());

/** The body of `POST /v1/policies/{namespace}/{name}/thresholds`. */
export const ThresholdsSchema = z
  .strictObject({
    generation: z.int().min(0).describe('The generation that the sender saw. After a later edit, this one is refused.'),
    trip: section.optional().describe('Takes the place of `trip`. Absent: it stays.'),
    recovery: section.optional().describe('Takes the place of `recovery`. Absent: it stays.'),
  })
  .refine(({ trip, recovery }) => trip !== undefined || recovery !== undefined, {
    message: 'give trip, recovery or both',
  });

/** The route that replaces the thresholds of a policy and leaves all else as it is. */
export function thresholdRoutes({ controller, access, policyEditor, log }: AdminOptions): Router {
  return Router().post(
    '/v1/policies/:namespace/:name/thresholds',
    authorize(access, editAttributes),
    express.json({ limit: '16kb', type: 'application/json', inflate: false }),
    async (request, response) => {
      const { generation, ...sections } = parse(ThresholdsSchema, request.body);
      const { policy } = namedPolicy(controller.snapshots, request);
      const { namespace, name } = policy;
      if (policyEditor.unable !== undefined) throw new Problem(409, policyEditor.unable(policy, 'thresholds'));
      if (policy.generation !== generation) {
        const message = `policy "${name}" has changed: it is at generation ${policy.generation}, not ${generation}; look at it again`;
        throw new Problem(409, message);
      }
      const spec = { ...(policy.spec as object), ...sections };
      await policyEditor.replaceSpec(policy, spec, 'thresholds', request.get('authorization'));
      log.info(
        { audit: true, by: senderOf(response).name, namespace, policy: name, generation, ...sections },
        'policy thresholds replaced',
      );
      response.status(204).end();
    },
  );
}
