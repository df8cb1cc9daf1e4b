import { beforeEach, describe, expect, it } from '@jest/globals';
import { Registry as PromRegistry } from 'prom-client';
import { getBreaker } from '../index.ts';
import { collectInto } from './prom-client.ts';

let register: PromRegistry;
const scrape = async () => (await register.metrics()).split('\n');

beforeEach(() => {
  register = new PromRegistry();
});

describe('the metrics of the breakers', () => {
  it('are read at each scrape', async () => {
    collectInto(register);
    const breaker = getBreaker('scraped', { defaults: { trip: { consecutiveFailures: 2 } } });
    breaker.enter()?.succeed();
    expect(await scrape()).toContain('fuseboard_calls_total{breaker="scraped",outcome="succeeded"} 1');
    for (let i = 0; i < 2; i++) breaker.enter()?.fail();
    breaker.enter();
    const lines = await scrape();
    expect(lines).toEqual(
      expect.arrayContaining([
        'fuseboard_breaker_state{breaker="scraped",state="closed"} 0',
        'fuseboard_breaker_state{breaker="scraped",state="open"} 1',
        'fuseboard_breaker_state{breaker="scraped",state="half-open"} 0',
        'fuseboard_calls_total{breaker="scraped",outcome="succeeded"} 1',
        'fuseboard_calls_total{breaker="scraped",outcome="failed"} 2',
        'fuseboard_rejected_total{breaker="scraped"} 1',
        'fuseboard_call_duration_seconds_bucket{breaker="scraped",le="+Inf"} 3',
        'fuseboard_call_duration_seconds_count{breaker="scraped"} 3',
        'fuseboard_link_state{state="Defaults"} 1',
        'fuseboard_link_state{state="Live"} 0',
      ]),
    );
  });

  it('have buckets that only grow, each twice as wide as the one before', async () => {
    collectInto(register);
    getBreaker('wide').enter()?.succeed();
    const buckets = (await scrape()).filter((line) => line.includes('_bucket{breaker="wide"'));
    expect(buckets).toHaveLength(14);
    expect(buckets[0]).toMatch(/le="0.008"/);
    expect(buckets[1]).toMatch(/le="0.016"/);
    expect(await scrape()).toContainEqual(
      expect.stringMatching(/^fuseboard_call_duration_seconds_sum\{breaker="wide"\} 0\.\d+$/),
    );
    const counts = buckets.map((line) => Number(line.split(' ').at(-1)));
    expect(counts).toEqual([...counts].sort((a, b) => a - b));
  });

  it('take another prefix, and coexist with those of the application', async () => {
    collectInto(register, { prefix: 'shop_' });
    collectInto(register);
    expect((await scrape()).filter((line) => line.startsWith('# TYPE')).length).toBe(20);
    expect(() => collectInto(register)).toThrow(/already/);
  });

  it('survive a reset of the registry, because breakers never count backwards', async () => {
    collectInto(register);
    getBreaker('kept').enter()?.succeed();
    register.resetMetrics();
    expect(await scrape()).toContain('fuseboard_calls_total{breaker="kept",outcome="succeeded"} 1');
  });

  it('are in OpenMetrics too', async () => {
    const open = new PromRegistry();
    open.setContentType(PromRegistry.OPENMETRICS_CONTENT_TYPE as never);
    collectInto(open);
    getBreaker('open').enter()?.succeed();
    const text = await open.metrics();
    expect(text).toContain('# TYPE fuseboard_calls counter');
    expect(text).toContain('fuseboard_calls_total{breaker="open",outcome="succeeded"} 1');
  });
});
