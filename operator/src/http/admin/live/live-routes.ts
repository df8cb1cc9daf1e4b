import { type Request, Router } from 'express';
import { LIMITS } from '../../../core/limits/limits.ts';
import type { ResourceAttributes } from '../../../ports/access.ts';
import { Problem } from '../../../ports/problem.ts';
import type { BreakerList, OverviewAnswer } from '../answers/live.ts';
import { authorize, isStillAllowed, readAttributes, senderOf } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';
import { Live } from './live.ts';
import { MAX_WATCHERS, Watchers } from './watchers.ts';

/** Routes for the overview, the breakers, and a stream of their changes. */
export function liveRoutes({
  controller,
  limits,
  access,
  audit,
  clock,
  wallClock,
  replica,
  leaving,
}: AdminOptions): Router {
  const see = authorize(access, readAttributes);
  const watching = (request: Request): ResourceAttributes => ({ ...readAttributes(request), verb: 'watch' });
  const watch = authorize(access, watching);
  const live = (namespace: string | undefined) => new Live({ controller, clock, wallClock, replica, namespace });
  const scopes = new Map<string | undefined, Watchers>();
  /** Number of open watches by caller. */
  const callers = new Map<string, number>();
  leaving.addEventListener('abort', () => {
    for (const watchers of scopes.values()) watchers.close();
  });

  return Router()
    .get('/v1/overview', see, (request, response) => {
      const view = live(optionalText(request, 'namespace'));
      response.json({
        ...view.heartbeat(),
        source: view.source(),
        ...view.overview(view.policies()),
      } satisfies OverviewAnswer);
    })
    .get('/v1/breakers', see, (request, response) => {
      const view = live(optionalText(request, 'namespace'));
      const policies = new Map(view.policies().map((row) => [row.uid, row]));
      const items = view.rows().map((row) => {
        const { name, mode, thresholds, openDuration } = policies.get(row.uid ?? '') ?? {};
        return { ...row, policy: name, mode, thresholds, openDuration };
      });
      response.json({ ...view.heartbeat(), items } satisfies BreakerList);
    })
    .get('/v1/watch', watch, (request, response) => {
      // After a disconnect, `close` does not fire again, so the watch would count for its caller for ever.
      if (response.destroyed) return;
      const namespace = optionalText(request, 'namespace');
      let count = 0;
      for (const [scope, watchers] of scopes) {
        if (watchers.count === 0) scopes.delete(scope);
        count += watchers.count;
      }
      if (leaving.aborted) throw new Problem(503, 'this replica is shutting down; try again', 1_000);
      const { name } = senderOf(response);
      const own = callers.get(name) ?? 0;
      if (access.method !== 'none' && own >= LIMITS['watches-of-caller'].value) {
        limits.reached('watches-of-caller', { person: name });
        throw new Problem(503, `${own} pages of yours are open, the limit of one caller; close some`, 5_000);
      }
      if (count >= MAX_WATCHERS) {
        limits.reached('watches');
        throw new Problem(503, `${count} pages are open, the limit of one replica; close some`, 5_000);
      }
      const watchers = scopes.get(namespace) ?? new Watchers(live(namespace), () => clock.now());
      scopes.set(namespace, watchers);
      callers.set(name, own + 1);
      response.on('close', () => {
        const left = (callers.get(name) ?? 0) - 1;
        if (left > 0) callers.set(name, left);
        else callers.delete(name);
      });
      watchers.join(response, () => isStillAllowed(access, audit, request, watching));
    });
}
