import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

const answer = (
  values: readonly (readonly [number, string])[],
  metric: object = { code: '200' },
  resultType = 'matrix',
) => JSON.stringify({ status: 'success', data: { resultType, result: [{ metric, values }] } });

describe('the answer of a range query', () => {
  it('gives the increments of a counter, spread over their step, also after a reset', async () => {
    const { calls, summary } = await readText(SAMPLES.prometheus);
    const inStep = (step: number, status: number) =>
      calls.filter((call) => call.status === status && Math.floor((call.start - at('10:00:00')) / 30_000) === step)
        .length;
    expect([inStep(0, 200), inStep(0, 503), inStep(1, 200), inStep(1, 503)]).toEqual([6, 3, 4, 0]);
    expect([...summary.breakers]).toEqual([['orders', 13]]);
    expect([...summary.instances]).toEqual([['orders-1', 13]]);
    expect(calls.map(({ start }) => start)).toEqual(calls.map(({ start }) => start).sort((a, b) => a - b));
    expect(summary.withoutDuration).toBe(13);
  });

  it('says what counts cannot say', async () => {
    const notes = (await readText(SAMPLES.prometheus)).summary.notes.join('\n');
    expect(notes).toContain(
      'the order of calls within a step is not known. Use windows of at least 60 s; runs of failures cannot be judged',
    );
    expect(notes).toContain('Counters hold no durations');
    expect(notes).toContain('1 resets of counters');
  });

  it.each<[string, readonly [number, string]]>([
    ['a count without an end', [1030, '1e999']],
    ['a count of too many calls', [1030, '100000001']],
    ['a step of 1,000 years', [31_536_000_000, '1']],
    ['a time without an end', [1e308, '1']],
  ])('refuses %s', async (_what, point) => {
    await expect(readText(answer([[1000, '0'], point]))).rejects.toThrow(
      'counts more than 100,000,000 calls or more than 400 days; query a shorter time or fewer series',
    );
  });

  it('leaves out a point that is earlier than the one before it', async () => {
    const { calls } = await readText(
      answer([
        [1_714_557_600, '0'],
        [17, '1'],
        [1_714_557_630, '2'],
      ]),
    );
    expect(calls).toHaveLength(2);
  });

  it('spreads what was counted over a gap evenly', async () => {
    const { calls } = await readText(
      answer([
        [1000, '0'],
        [1030, '1'],
        [1120, '7'],
      ]),
    );
    const steps = calls.map(({ start }) => Math.floor((start - 1_000_000) / 30_000));
    expect(steps).toEqual([0, 1, 1, 2, 2, 3, 3]);
  });

  it('keeps a failure between the successes of a long step', async () => {
    const both = JSON.parse(
      answer([
        [0, '0'],
        [3600, '100'],
      ]),
    ) as { data: { result: object[] } };
    both.data.result.push({
      metric: { code: '5xx' },
      values: [
        [0, '0'],
        [3600, '1'],
      ],
    });
    const { calls } = await readText(JSON.stringify(both));
    expect(calls).toHaveLength(101);
    expect(calls.findIndex(({ outcome }) => outcome === 'failure')).toBeGreaterThan(40);
    expect(calls.findIndex(({ outcome }) => outcome === 'failure')).toBeLessThan(60);
  });

  it('counts by our own outcome label', async () => {
    const { calls } = await readText(
      answer(
        [
          [0, '0'],
          [30, '2'],
        ],
        { breaker: 'payments', outcome: 'rejected' },
      ),
    );
    expect(calls.map(({ breaker, outcome }) => [breaker, outcome])).toEqual([
      ['payments', 'rejected'],
      ['payments', 'rejected'],
    ]);
  });

  it.each([
    [
      'rates',
      answer([
        [0, '1.5'],
        [30, '0.25'],
        [60, '1.75'],
      ]),
      /holds rates, not counts.*without rate\(\)/,
    ],
    ['an instant query', answer([], {}, 'vector'), /instant query; ask \/api\/v1\/query_range/],
    ['an error', '{"status":"error","errorType":"bad_data","error":"parse error"}', /an error of Prometheus/],
  ])('refuses %s', async (_what, text, message) => {
    await expect(readText(text)).rejects.toThrow(message);
  });
});
