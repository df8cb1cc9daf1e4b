import express, { type Request, Router } from 'express';
import { z } from 'zod';
import type { Policy } from '../../../core/policy/policy.ts';
import type { ResourceAttributes, UserInfo } from '../../../ports/access.ts';
import { AuthError } from '../../../ports/authenticator.ts';
import { changesBetween, type Revision } from '../../../ports/history.ts';
import { Problem } from '../../../ports/problem.ts';
import { firstIssue } from '../../problem.ts';
import { guard, readAttributes, senderOf } from '../guard.ts';
import { namedPolicy } from '../named-policy.ts';
import type { AdminOptions } from '../options.ts';

const ShownRevisionSchema = z.object({
  revision: z.int().describe('Grows with each edit; in a cluster the generation of the policy.'),
  at: z.number().describe('When it was recorded, milliseconds since 1970.'),
  current: z.boolean().describe('Whether the policy has this spec now.'),
  spec: z.unknown(),
  changes: z
    .array(z.object({ field: z.string(), from: z.unknown().optional(), to: z.unknown().optional() }))
    .describe('What differs from the revision before. Empty for the oldest one that is kept.'),
});

/** The answer of `GET /v1/policies/{namespace}/{name}/history`: the newest first. */
export const HistorySchema = z.object({
  items: z.array(ShownRevisionSchema),
  rollback: z
    .object({ allowed: z.boolean(), why: z.string().optional().describe('Why it is not allowed, and what to do.') })
    .describe('Whether whoever asks may give the policy the spec of a revision again.'),
});

/** The body of `POST /v1/policies/{namespace}/{name}/rollback`. */
export const RollbackSchema = z.strictObject({ toRevision: z.int('must be a whole number').min(0) });

/** What policies were, and giving them an earlier spec again. */
export function historyRoutes({ controller, access, history, rollback, log }: AdminOptions): Router {
  const find = (request: Request): Policy => namedPolicy(controller.snapshots, request).policy;
  const revisions = (policy: Policy): Promise<Revision[]> =>
    history.list(policy).catch((error: Error) => {
      throw new Problem(503, `the history cannot be read: ${error.message}`, 1_000);
    });
  const editing = (request: Request): ResourceAttributes => ({ ...readAttributes(request), verb: 'update' });
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
    .get('/v1/policies/:namespace/:name/history', guard(access, readAttributes), async (request, response) => {
      const policy = find(request);
      const found = await revisions(policy);
      const now = JSON.stringify(policy.spec);
      const newest = found.find(({ spec }) => JSON.stringify(spec) === now);
      const items = found.map((one, i) => {
        const before = found[i + 1];
        const changes = before === undefined ? [] : changesBetween(before.spec, one.spec);
        return { ...one, current: one === newest, changes };
      });
      const why = rollback.unable?.(policy) ?? (await authErrorOf(senderOf(response), editing(request)));
      const allowed = { allowed: why === undefined, ...(why !== undefined && { why }) };
      response.json({ items, rollback: allowed } satisfies z.infer<typeof HistorySchema>);
    })
    .post(
      '/v1/policies/:namespace/:name/rollback',
      guard(access, editing),
      express.json({ limit: '4kb', type: 'application/json' }),
      async (request, response) => {
        const parsed = RollbackSchema.safeParse(request.body);
        if (!parsed.success) throw new Problem(400, firstIssue(parsed.error));
        const { toRevision } = parsed.data;
        const policy = find(request);
        const { namespace, name } = policy;
        const found = await revisions(policy);
        const chosen = found.find(({ revision }) => revision === toRevision);
        if (!chosen) {
          const kept = found.map(({ revision }) => revision).join(', ');
          throw new Problem(404, `policy "${name}" has no revision ${toRevision}; it has ${kept || 'none'}`);
        }
        await rollback.apply(policy, chosen.spec, request.get('authorization'));
        log.info(
          { audit: true, by: senderOf(response).name, namespace, policy: name, toRevision },
          'policy rolled back',
        );
        response.status(204).end();
      },
    );
}
