import { describe, expect, it } from '@jest/globals';
import { at, readText } from '../../test/read-text.ts';
import { SAMPLES } from '../../test/samples.ts';

describe('an access log of a load balancer', () => {
  it('takes the creation of the request as the start, not the time of the answer', async () => {
    const { calls } = await readText(SAMPLES.alb);
    expect(calls[0]).toEqual({
      start: at('10:00:02.329'),
      durationMs: 171,
      outcome: 'success',
      status: 200,
      breaker: 'orders',
      instance: 'instance-1',
      key: '/orders/:id',
    });
  });

  it('counts back from the answer where an old log has no creation', async () => {
    const old = SAMPLES.alb.split('\n')[0]!.split(' "shop.example"')[0]!;
    const { calls } = await readText(`${old}\n`);
    expect(calls[0]!.start).toBe(at('10:00:02.329'));
  });

  it('takes times of -1 as none, and a 5xx without a target as a call that was not reached', async () => {
    const { calls } = await readText(SAMPLES.alb);
    expect(calls[1]).toMatchObject({ durationMs: 10, outcome: 'failure', status: 503, error: 'not_reached' });
    const part = await readText(SAMPLES.alb.replace('0.086 0.048 0.037', '0.086 -1 -1'));
    expect(part.calls[0]!.durationMs).toBe(86);
  });

  it('ignores a client that gave up (460) and leaves WebSockets out', async () => {
    const { calls, summary } = await readText(SAMPLES.alb.replace('0.037 200', '0.037 460'));
    expect(calls.map(({ outcome }) => outcome)).toEqual(['ignored', 'failure']);
    expect(summary.notes.join('\n')).toContain('1 connections of WebSockets are left out');
  });
});
