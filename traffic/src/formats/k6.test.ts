import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('k6 results', () => {
  it('as JSON have ends, and durations to which the wait for a connection is added', async () => {
    const { calls } = await readText(SAMPLES['k6-json']);
    expect(calls).toEqual([
      {
        start: at('10:00:02.250'),
        durationMs: 250,
        outcome: 'success',
        status: 200,
        breaker: 'shop.example',
        from: 'default',
        key: '/orders',
      },
      {
        start: at('10:00:02.500'),
        durationMs: 1000,
        outcome: 'failure',
        error: 'k6_1050',
        breaker: 'shop.example',
        from: 'default',
        key: '/orders',
      },
    ]);
  });

  it('as JSON keep requests apart whose points do not belong together', async () => {
    const lines = SAMPLES['k6-json'].split('\n').filter((line) => !line.includes('"http_req_blocked"'));
    const { calls } = await readText(`${lines.join('\n')}\n`);
    expect(calls.map(({ durationMs }) => durationMs)).toEqual([226, 0]);
  });

  it('as CSV have whole seconds, of which the order of calls cannot be told', async () => {
    const { calls, summary } = await readText(SAMPLES['k6-csv']);
    expect(calls).toEqual([
      {
        start: at('10:00:01.750'),
        durationMs: 250,
        outcome: 'success',
        status: 200,
        breaker: 'shop.example',
        from: 'default',
        key: '/orders',
      },
    ]);
    expect(summary.notes.join('\n')).toContain('runs of failures mean little; record JSON instead');
  });
});
