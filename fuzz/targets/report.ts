import { ReportSchema } from '@fuseboard/schema';
import { SnapshotCache } from '../../operator/src/core/delivery/snapshot-cache.ts';
import { Fleet } from '../../operator/src/core/fleet/fleet.ts';
import { corpus, inJson, must, type Target } from '../target.ts';

const identity = { namespace: 'shop', boot: 'a'.repeat(32), service: 's', instance: 'i', labels: {} };
const policy = (uid: string, breaker: string) => ({
  uid,
  namespace: 'shop',
  name: uid,
  generation: 1,
  createdAt: 0,
  spec: { breakers: [breaker] },
  problems: [],
});

/** A report of an agent, up to what is counted. */
export const report: Target = {
  name: 'report',
  corpus: corpus('report'),
  share: 60,
  ...inJson((given) => {
    const parsed = ReportSchema.safeParse(given);
    if (!parsed.success) return { sound: false };
    const snapshots = new SnapshotCache();
    snapshots.update([policy('u1', 'payments'), policy('u2', 'partner-*')]);
    const snapshot = snapshots.snapshot('shop', {});
    const fleet = new Fleet();
    const agent = fleet.connect(identity, 0);
    fleet.setTarget(agent, snapshot, 0);
    fleet.sent(agent, snapshot);
    const { kind } = fleet.report({ namespace: 'shop' }, { ...parsed.data, revision: snapshot.revision }, 1);
    must(parsed.data.boot === identity.boot || kind === 'unknown', 'a report of another agent is taken');
    must(fleet.report({ namespace: 'bank' }, parsed.data, 1).kind === 'unknown', 'another namespace is believed');
    for (const { totals, latency } of fleet.counters.list()) {
      for (const count of [...Object.values(totals), ...latency]) {
        must(Number.isFinite(count) && count >= 0, `counts ${count}`);
      }
    }
    for (const { agents, breakers, rejections } of fleet.counts('shop', ['u1', 'u2'], 2).values()) {
      for (const count of [...Object.values(agents), ...Object.values(breakers)]) {
        must(Number.isFinite(count) && count >= 0, `counts ${count}`);
      }
      must(rejections.length <= 5, 'too many rejections are kept');
    }
    return { sound: kind === 'accepted' };
  }),
};
