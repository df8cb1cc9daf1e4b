import { PassThrough } from 'node:stream';
import { expect, it } from '@jest/globals';
import { SERIES_COLUMNS } from '../../core/outages/series.ts';
import type { Target } from '../client/target.ts';
import { outagesCommand } from './outages.ts';

const OUTAGE = {
  ...{ id: 'a', circuit: 'shop/u/payments', namespace: 'shop', breaker: 'payments', phase: 'refused', began: 0 },
  ...{ instance: 'pod-1', refused: 165, fallback: 179, refusedPerSecond: 2, fallbackPerSecond: 2, hit: 1, agents: 1 },
  ...{ services: [{ service: 'checkout', hit: 1, agents: 1 }], attempts: 0, reopened: 0, actions: [] },
};
const HELD = {
  ...{ uid: 'o', name: 'quiet', action: 'ForceOpen', by: 'local', reason: 'the partner asked' },
  ...{ at: 176_000, until: 424_000, partly: false },
};
const SERIES = { begin: 0, slotMs: 2_000, columns: SERIES_COLUMNS, values: [5, 1, 0, 4, 0, 1, 0] };

async function outages(args: readonly string[], over: object = {}): Promise<string> {
  const outage = { ...OUTAGE, ...over };
  const list = { at: 180_000, replica: 'r', others: [], noun: 'pod', items: [outage] };
  const get = async (path: string) => (path === '/v1/outages' ? list : { ...list, outage, series: SERIES });
  const target = {
    namespace: 'shop',
    replicas: async () => [{ name: 'r', admin: { get } }],
    unlistedReason: '',
    close: async () => {},
  } as unknown as Target;
  const out = new PassThrough({ encoding: 'utf8' });
  const command = outagesCommand(
    { args: [], out, err: out } as unknown as Parameters<typeof outagesCommand>[0],
    () => target,
    () => {},
  );
  await command.parseAsync([...args], { from: 'user' });
  return String(out.read());
}

it('names the override that holds a breaker, in the sentence and in its row', async () => {
  const text = await outages([], { held: HELD });
  expect(text).toMatch(/^payments is forced open by local for 4 s \(the partner asked\), ends in 4 min: /);
  expect(text).toMatch(/ +quiet: forced open by local for 4 s, ends in 4 min +a\n/);
});

it('has no column of overrides where none is in force, as with an operator that does not say', async () => {
  expect(await outages([])).not.toContain('OVERRIDE');
});

it('says that a fallback answers calls that failed, too', async () => {
  expect(await outages(['payments'])).toContain(
    'refused    165 calls; a fallback answered 179 calls, refused or failed\n',
  );
});
