import express, { type Request, Router } from 'express';
import { z } from 'zod';
import type { Policy } from '../../../core/policy/policy.ts';
import type { ResourceAttributes, UserInfo } from '../../../ports/access.ts';
import { AuthError } from '../../../ports/authenticator.ts';
import { changesBetween, type Revision } from '../../../ports/history.ts';
import { Problem } from '../../../ports/problem.ts';
import { parse } from '../../problem.ts';
import type { HistoryAnswer } from '../answers/history.ts';
import { authorize, editAttributes, readAttributes, senderOf } from '../authorize.ts';
import { namedPolicy } from '../named-policy.ts';
import type { AdminOptions } from '../options.ts';

/** The body of `POST /v1/policies/{namespace}/{name}/rollback`. */
export const RollbackSchema = z.strictObject({ toRevision: z.int().min(0) });

/** Routes for the revisions of policies, and for rolling back to one. */
export function historyRoutes({ controller, access, history, policyEditor, log }: AdminOptions): Router {
  const find = (request: Request): Policy => namedPolicy(controller.snapshots, request).policy;
  const revisions = (policy: Policy): Promise<Revision[]> =>
    history.list(policy).catch((error: Error) => {
      throw new Problem(503, `the history cannot be read: ${error.message}`, 1_000);
    });
  const authErrorOf = async (user: UserInfo, attributes: ResourceAttributes): Promise<string | undefined> => {
    try {
      await access.check(user, attributes);
      return undefined;
    } catch (error) {
      if (error instanceof AuthError) return error.message;
      throw error;
    }
  };

  return Router()
    .get('/v1/policies/:namespace/:name/history', authorize(access, readAttributes), async (request, response) => {
      const policy = find(request);
      const found = await revisions(policy);
      const now = JSON.stringify(policy.spec);
      const newest = found.find(({ spec }) => JSON.stringify(spec) === now);
      const items = found.map((one, i) => {
        const before = found[i + 1];
        const changes = before === undefined ? [] : changesBetween(before.spec, one.spec);
        return { ...one, current: one === newest, changes };
      });
      const why =
        policyEditor.unable?.(policy, 'rollback') ?? (await authErrorOf(senderOf(response), editAttributes(request)));
      const allowed = { allowed: why === undefined, ...(why !== undefined && { why }) };
      response.json({ items, rollback: allowed } satisfies HistoryAnswer);
    })
    .post(
      '/v1/policies/:namespace/:name/rollback',
      authorize(access, editAttributes),
      express.json({ limit: '4kb', type: 'application/json', inflate: false }),
      async (request, response) => {
        const { toRevision } = parse(RollbackSchema, request.body);
        const policy = find(request);
        const { namespace, name } = policy;
        const found = await revisions(policy);
        const chosen = found.find(({ revision }) => revision === toRevision);
        if (!chosen) {
          const kept = found.map(({ revision }) => revision).join(', ');
          throw new Problem(404, `policy "${name}" has no revision ${toRevision}; it has ${kept || 'none'}`);
        }
        await policyEditor.replaceSpec(policy, chosen.spec, 'rollback', request.get('authorization'));
        log.info(
          { audit: true, by: senderOf(response).name, namespace, policy: name, toRevision },
          'policy rolled back',
        );
        response.status(204).end();
      },
    );
}
