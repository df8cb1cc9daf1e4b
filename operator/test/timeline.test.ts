import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { pino } from 'pino';
import { readConfig } from '../src/config/config.ts';
import { type TimelineAnswer, TimelineSchema } from '../src/http/admin/answers/timeline.ts';
import { type Serving, serve } from '../src/serve.ts';
import { FLAGS, localAdapters } from './local-operator.ts';
import { MemorySource, policy } from './memory-source.ts';
import { PlainAgent } from './plain-agent.ts';
import { until } from './until.ts';

let serving: Serving;
let agent: PlainAgent;

beforeEach(async () => {
  const log = pino({ level: 'silent' });
  const source = new MemorySource();
  serving = await serve(readConfig(FLAGS), { ...(await localAdapters(log)), source }, log);
  source.set([policy('payments')]);
  await until(async () => (await fetch(`${serving.metricsUrl}/readyz`)).ok);
  agent = await new PlainAgent(serving.agentsUrl, 'default', 'checkout', 'checkout-1').join();
});

afterEach(async () => {
  agent.close();
  await serving.stop(0);
});

const PATH = '/v1/breakers/default/payments/timeline';
const get = async (query: string, path = PATH) => {
  const answer = await fetch(`${serving.adminUrl}${path}${query}`);
  return { status: answer.status, body: (await answer.json()) as { at: number } };
};

it('has calls, states and latencies of an hour and of a day', async () => {
  const reported = { succeeded: 7, failed: 2, rejected: 3, fallback: 1, latency: [0, 0, 0, 0, 0, 0, 0, 0, 9] };
  await agent.report({ payments: { ...reported, state: 'open' } });
  for (const range of ['1h', '24h']) {
    const { status, body } = await get(`?uid=${agent.uid('payments')}&range=${range}`);
    expect(status).toBe(200);
    const { series, latency } = TimelineSchema.parse(body) satisfies TimelineAnswer;
    const total = (name: string) =>
      series.values
        .filter((_, i) => series.columns[i % series.columns.length] === name)
        .reduce((sum, one) => sum + one, 0);
    expect(series.columns.map((name) => total(name))).toEqual([9, 2, 0, 3, 1, 1, 1, 0]);
    expect(latency.values.reduce((sum, one) => sum + one, 0)).toBe(9);
    expect(series.begin + (series.values.length / series.columns.length) * series.slotMs).toBeGreaterThan(body.at - 1);
  }
});

it('says what is wrong with a request', async () => {
  await agent.report({ payments: { succeeded: 1 } });
  expect(await get('?range=2d')).toMatchObject({ status: 400, body: { error: expect.stringContaining('1h or 24h') } });
  expect(await get('', '/v1/breakers/default/unknown/timeline')).toMatchObject({
    status: 404,
    body: { error: 'no agent of this replica reports breaker "unknown" in namespace "default"' },
  });
});
