import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('a HAR', () => {
  it('has starts with a zone, a time in ms, and status 0 where no answer came', async () => {
    const { calls } = await readText(SAMPLES.har);
    expect(calls).toEqual([
      {
        start: at('10:00:02.123'),
        durationMs: 96,
        outcome: 'success',
        status: 200,
        breaker: 'api.shop.example',
        key: '/users/:id/orders',
      },
      {
        start: at('10:00:03'),
        durationMs: 96,
        outcome: 'failure',
        error: 'net::ERR_TIMED_OUT',
        breaker: 'api.shop.example',
        key: '/users/:id/orders',
      },
    ]);
  });

  it('is one browser, and answers from a cache are no calls', async () => {
    const { summary } = await readText(SAMPLES.har);
    expect(summary.notes.join('\n')).toContain('seldom enough to choose a threshold by');
    expect(summary.notes.join('\n')).toContain('1 answers came from a cache');
  });

  it('adds up its timings where the time is -1, without parts that did not occur', async () => {
    const { calls } = await readText(SAMPLES.har);
    expect(calls[1]!.durationMs).toBe(3 + 1 + 90 + 2);
  });
});
