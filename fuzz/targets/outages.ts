import { mergeOutages } from '../../operator/src/core/outages/merged-outages.ts';
import { outageSentence } from '../../operator/src/core/outages/sentence.ts';
import { OutageListSchema } from '../../operator/src/http/admin/answers/outages.ts';
import { inJson, must, type Target } from '../target.ts';

const outage = {
  id: 'abc-payments',
  circuit: 'shop//payments',
  namespace: 'shop',
  breaker: 'payments',
  phase: 'refused',
  began: 1_714_557_600_000,
  reason: 'failure-rate',
  instance: 'pod-1',
  error: 'Error: refused',
  refused: 42,
  fallback: 3,
  refusedPerSecond: 4.2,
  fallbackPerSecond: 0.3,
  hit: 1,
  agents: 3,
  services: [{ service: 'checkout', hit: 1, agents: 3 }],
  attempts: 1,
  reopened: 0,
  actions: [{ uid: 'u', at: 1_714_557_700_000, action: 'ForceOpen', reason: 'x', by: 'ann' }],
  sentence: '',
};
const over = { ...outage, id: 'abd-search', breaker: 'search', phase: 'over', closed: 1_714_557_900_000 };

/** What other replicas answer about outages, which is merged and told in sentences. */
export const outages: Target = {
  name: 'outages',
  corpus: [
    Buffer.from(
      JSON.stringify({ at: 1_714_558_000_000, replica: 'a', others: [], noun: 'pod', items: [outage, over] }),
    ),
    Buffer.from(JSON.stringify({ at: 1_714_558_000_000, replica: 'b', others: ['a'], noun: 'process', items: [over] })),
  ],
  share: 20,
  ...inJson((given) => {
    const { success, data } = OutageListSchema.safeParse(given);
    if (!success) return { sound: false };
    const { at, noun, items } = data;
    const merged = mergeOutages([items, items]);
    must(merged.length <= 2 * items.length, `${merged.length} outages of ${items.length}`);
    for (const one of merged) {
      const sentence = outageSentence(one, at, noun);
      must(!/NaN|undefined|Infinity/.test(sentence.replaceAll(one.breaker, '')), sentence);
    }
    return { sound: true, made: JSON.stringify(merged).length };
  }),
};
