import { Router } from 'express';
import { RANGE_NAMES, TIMELINE_BOUNDS_MS, TIMELINE_COLUMNS, type TimelinePart } from '../../../core/fleet/timeline.ts';
import { Problem } from '../../../ports/problem.ts';
import type { TimelineAnswer } from '../answers/timeline.ts';
import { authorize, readAttributes } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/** The route for the counts of one breaker over the last hour or day. */
export function timelineRoutes({ controller, access, clock, wallClock, replica }: AdminOptions): Router {
  const { fleetBreakers } = controller.fleet;
  return Router().get(
    '/v1/breakers/:namespace/:breaker/timeline',
    authorize(access, readAttributes),
    (request, response) => {
      const { namespace, breaker } = request.params as { namespace: string; breaker: string };
      const asked = optionalText(request, 'range') ?? '1h';
      const range = RANGE_NAMES.find((one) => one === asked);
      if (range === undefined) throw new Problem(400, `range must be ${RANGE_NAMES.join(' or ')}, got "${asked}"`);
      const found = fleetBreakers.find(namespace, optionalText(request, 'uid') ?? '', breaker);
      if (found === undefined) {
        throw new Problem(404, `no agent of this replica reports breaker "${breaker}" in namespace "${namespace}"`);
      }
      if (found.timeline === undefined) {
        throw new Problem(404, 'this replica has five minutes of this breaker only; see timelines in docs/limits.md');
      }
      const now = clock.now();
      const dated = (part: TimelinePart) => ({ ...part, begin: Math.round(wallClock() - (now - part.begin)) });
      const { values, ...series } = dated(found.timeline.read(range, now));
      const latency = dated(found.timeline.readLatency(range, now));
      response.json({
        at: wallClock(),
        replica,
        range,
        series: { ...series, columns: [...TIMELINE_COLUMNS], values: [...values] },
        latency: { ...latency, boundsMs: [...TIMELINE_BOUNDS_MS], values: [...latency.values] },
      } satisfies TimelineAnswer);
    },
  );
}
