import { Router } from 'express';
import { byImpact } from '../../../core/outages/order.ts';
import type { Outage } from '../../../core/outages/outage.ts';
import { outageRow } from '../../../core/outages/outage-row.ts';
import { outageSentence } from '../../../core/outages/sentence.ts';
import { SERIES_COLUMNS } from '../../../core/outages/series.ts';
import { Problem } from '../../../ports/problem.ts';
import type { ListedOutage, OutageDetail, OutageList } from '../answers/outages.ts';
import { authorize, readAttributes } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { optionalText } from '../parameters.ts';

/** Routes for the outages of the last day, and for one outage with its plot. */
export function outageRoutes({ controller, access, clock, wallClock, replica }: AdminOptions): Router {
  const { fleet, snapshots, source } = controller;
  const see = authorize(access, readAttributes);
  const date = (at: number) => Math.round(wallClock() - (clock.now() - at));
  const stamp = () => ({ at: wallClock(), replica, others: controller.otherReplicas });

  const noun = source.kind === 'kubernetes' ? 'pod' : 'process';
  const listed = (outage: Outage): ListedOutage => {
    const { services, actions, ...row } = outageRow(outage, clock.now(), date, fleet.outages.holdOf(outage));
    const policy = snapshots.find(outage.uid)?.policy.name;
    const sentence = outageSentence({ ...row, services }, wallClock(), noun);
    return {
      ...row,
      services: [...services],
      actions: [...actions],
      ...(policy !== undefined && { policy }),
      sentence,
    };
  };

  return Router()
    .get('/v1/outages', see, (request, response) => {
      const items = [...fleet.outages.list(optionalText(request, 'namespace'))].map(listed).sort(byImpact);
      response.json({ ...stamp(), noun, items } satisfies OutageList);
    })
    .get('/v1/outages/:namespace/:id', see, (request, response) => {
      const { namespace, id } = request.params as { namespace: string; id: string };
      const outage = [...fleet.outages.list(namespace)].find((one) => one.id === id);
      if (outage === undefined) {
        throw new Problem(404, `there is no outage "${id}" in namespace "${namespace}"; one is kept for 24 hours`);
      }
      if (outage.closedAt === undefined) outage.series.advance(clock.now());
      const { begin, slotMs, reported } = outage.series;
      const values = outage.series.read();
      const series = { begin: date(begin), slotMs, columns: [...SERIES_COLUMNS], values, reported };
      response.json({ ...stamp(), outage: listed(outage), series } satisfies OutageDetail);
    });
}
