import { SnapshotCache } from '../../operator/src/core/delivery/snapshot-cache.ts';
import { explain } from '../../operator/src/core/policy/explain.ts';
import { KubeError } from '../../operator/src/kube/api/client.ts';
import { readEvent, readList, readObject, toPolicy } from '../../operator/src/kube/api/object.ts';
import { corpus, inJson, must, type Target } from '../target.ts';

/** What the API server lists and tells, up to the snapshots of agents. */
export const crdObject: Target = {
  name: 'crd-object',
  corpus: corpus('crd-object'),
  share: 60,
  ...inJson((given) => {
    try {
      const listed = (given as { items?: unknown } | null)?.items !== undefined;
      const objects = listed ? readList(given).items : [readObject(readEvent(given).object)];
      const policies = objects.map(toPolicy);
      const snapshots = new SnapshotCache();
      snapshots.update(policies);
      for (const { namespace, uid } of policies) {
        const snapshot = snapshots.snapshot(namespace, { app: 'checkout', tier: 'web' });
        for (const [, governing] of snapshot.routes)
          must(snapshot.entries.has(governing), `a route leads to no policy`);
        must(
          snapshots.policies(namespace).some(({ policy }) => policy.uid === uid),
          'a policy is lost',
        );
        const routings = snapshots.policies(namespace).flatMap(({ routing }) => routing ?? []);
        explain(routings, { app: 'checkout' }, 'payments');
      }
      return { sound: policies.some(({ problems }) => problems.length === 0) };
    } catch (error) {
      if (error instanceof KubeError) return { sound: false };
      throw error;
    }
  }),
};
