import { z } from 'zod';
import { KubeError } from '../../operator/src/kube/api/client.ts';
import { readObject } from '../../operator/src/kube/api/object.ts';
import { encodeRow, readShard } from '../../operator/src/kube/replication/aggregates.ts';
import { asJson, must, type Target } from '../target.ts';

const counts = {
  agents: { matched: 2, applied: 1, rejected: 1, stale: 0 },
  breakers: { closed: 1, open: 1, halfOpen: 0, shadowOpen: 0 },
  fallback: { optedIn: 1, unused: 0 },
  open: ['payments on shop/pod-1'],
  rejections: [{ agent: 'pod-1', field: 'spec.mode', message: 'is unknown' }],
};
const row = encodeRow({ uid: 'u1', generation: 2, digest: 'd', counts: counts as never });
const data = { replica: 'fuseboard-1', boot: 'b', sequence: '4', policies: `${row}\n${row.replace('u1', 'u2')}` };

/** What another replica stored of its counts. */
export const shard: Target = {
  name: 'shard',
  corpus: [
    Buffer.from(
      JSON.stringify({
        metadata: { name: 'fuseboard-1-0', namespace: 'system', uid: 'u', resourceVersion: '7' },
        data,
      }),
    ),
  ],
  share: 20,
  mutate: asJson,
  run(input) {
    try {
      const { sequence, rows } = readShard(readObject(JSON.parse(input.toString())));
      must(Number.isSafeInteger(sequence), `sequence ${sequence}`);
      return { sound: true, made: JSON.stringify(rows).length };
    } catch (error) {
      must(
        [z.ZodError, SyntaxError, KubeError].some((kind) => error instanceof kind),
        `${(error as Error).stack}`,
      );
      return { sound: false };
    }
  },
};
