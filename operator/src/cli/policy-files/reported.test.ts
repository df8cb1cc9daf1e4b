import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { AdminError } from '../client/admin.ts';
import type { Target } from '../client/target.ts';
import { lintCommand } from './lint.ts';

const LATENCY = { begin: 0, slotMs: 60_000, boundsMs: [8, 16], values: [] };
const COLUMNS = ['calls', 'failed', 'slow', 'rejected', 'fallback', 'started', 'open', 'halfOpen'];

let folder: string;
let asked: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-reported-'));
  asked = [];
  const trip = { failureRate: { thresholdPercent: 50 } };
  writeFileSync(
    join(folder, 'payments.yaml'),
    JSON.stringify({
      ...{ apiVersion: 'fuseboard.dev/v1alpha1', kind: 'CircuitBreakerPolicy' },
      ...{ metadata: { name: 'payments', namespace: 'shop' } },
      spec: { breakers: ['payments', 'cards/*'], mode: 'Enforce', timeout: { duration: '1s' }, trip },
    }),
  );
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Breakers {
  readonly [name: string]: { readonly agents: number; readonly calls: number };
}

/** Runs lint against replicas that know these breakers: calls in each step of 5 min of a day. */
async function lint(replicas: readonly Breakers[], ...args: string[]): Promise<{ text: string; code: number }> {
  const admin = (breakers: Breakers) => ({
    get: async (path: string, query: Record<string, string>) => {
      asked.push(`${path}?${new URLSearchParams(query)}`);
      if (path === '/v1/breakers') {
        const items = Object.entries(breakers).map(([breaker, { agents }]) => ({
          ...{ namespace: 'shop', breaker, agents, uid: 'u' },
        }));
        return { at: 0, replica: `r${replicas.indexOf(breakers)}`, others: [], items };
      }
      const { calls } = breakers[decodeURIComponent(path.split('/')[4]!)]!;
      if (calls < 0) throw new AdminError(404, 'this replica has five minutes of this breaker only');
      const values = Array.from({ length: 288 }, () => [calls, 0, 0, 0, 0, 0, 0, 0]).flat();
      return { series: { begin: 0, slotMs: 300_000, columns: COLUMNS, values }, latency: LATENCY };
    },
  });
  const target = {
    replicas: async () => replicas.map((one, i) => ({ name: `r${i}`, admin: admin(one) })),
    unlistedReason: '',
    close: async () => {},
  } as unknown as Target;
  const out = new PassThrough({ encoding: 'utf8' });
  let code = -1;
  const terminal = { args: [], out, err: out } as unknown as Parameters<typeof lintCommand>[0];
  const command = lintCommand(
    terminal,
    () => target,
    (given) => {
      code = given;
    },
  );
  await command.parseAsync([folder, ...args], { from: 'user' });
  return { text: String(out.read()), code };
}

const found = (breaker: string, percent: number) =>
  `${join(folder, 'payments.yaml')}:1: shop/payments: trip.minimumCalls: on the reported calls of "${breaker}", minimumCalls (20) is reached about ${percent} % of the time; `;

it('says of each breaker of a policy how often agents reported enough calls, over all replicas', async () => {
  const first = { payments: { agents: 1, calls: 1_200 }, 'cards/visa': { agents: 1, calls: 6_000 } };
  const second = { payments: { agents: 3, calls: 30 }, other: { agents: 1, calls: 1 } };
  const { text, code } = await lint([first, second], '--reported');
  expect(text).toContain(found('payments', 25));
  expect(text).not.toContain('visa');
  expect([code, text.match(/reported calls/g)]).toEqual([1, ['reported calls']]);
  expect(asked).toContain('/v1/breakers/shop/cards%2Fvisa/timeline?range=24h&uid=u');
  expect(asked.join()).not.toContain('other');
});

it('takes the last hour on request, and one breaker alone', async () => {
  const first = { payments: { agents: 1, calls: 1 }, 'cards/visa': { agents: 1, calls: 1 } };
  const { text } = await lint([first], '--reported', '1h', '--breaker', 'cards/visa');
  expect(text).toContain(found('cards/visa', 0));
  expect(text).not.toContain('"payments"');
  expect(asked.at(-1)).toContain('range=1h');
});

it('says where too little is known, which is no finding', async () => {
  const { text, code } = await lint([{ payments: { agents: 1, calls: -1 } }], '--reported');
  expect(text).toContain('no agent reports a breaker of policy "payments" in namespace "shop"\n');
  expect(code).toBe(0);
  const few = await lint([{ payments: { agents: 0, calls: 5 } }], '--reported');
  expect(few.text).toContain('less than ten minutes of calls of breaker "payments" in namespace "shop" are known\n');
  expect(few.code).toBe(0);
});

it('asks no operator without the option', async () => {
  const { text, code } = await lint([{ payments: { agents: 1, calls: 1 } }]);
  expect([asked, code]).toEqual([[], 0]);
  expect(text).toContain('0 findings');
});
