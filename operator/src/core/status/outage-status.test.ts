import { describe, expect, it } from '@jest/globals';
import { type EndedOutage, isOver, type OutageInput, outageBegan, outageEnded, statusOutage } from './outage-status.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

const input = (open: number, over: Partial<OutageInput> & { halfOpen?: number; at?: number } = {}): OutageInput => ({
  counts: {
    breakers: { closed: 0, open, halfOpen: over.halfOpen ?? 0, shadowOpen: 0 },
    open: open > 0 ? ['payments on pod-1'] : [],
  },
  previous: undefined,
  settling: false,
  now: NOW + (over.at ?? 0),
  ...over,
});
const BEGAN = statusOutage(input(2, { cause: 'failure-rate: Error: down' }))!;
const ENDED = statusOutage(input(0, { previous: BEGAN, at: 90_000 })) as EndedOutage;

describe('the outage in the status of a policy', () => {
  it('begins with the first open breaker, and says which, where and why', () => {
    expect(BEGAN).toEqual({
      ...{ startTime: '2026-03-01T12:00:00Z', first: 'payments on pod-1', mostOpen: 2 },
      cause: 'failure-rate: Error: down',
    });
    expect(statusOutage(input(0))).toBeUndefined();
  });

  it('lasts over probes, and keeps its beginning', () => {
    expect(statusOutage(input(0, { halfOpen: 1, previous: BEGAN, at: 30_000 }))).toEqual(BEGAN);
    expect(statusOutage(input(5, { previous: BEGAN, at: 40_000 }))).toEqual({ ...BEGAN, mostOpen: 5 });
  });

  it('does not begin with a half-open breaker, which may be one of mode Shadow', () => {
    expect(statusOutage(input(0, { halfOpen: 1 }))).toBeUndefined();
    expect(statusOutage(input(0, { halfOpen: 1, previous: ENDED, at: 95_000 }))).toEqual(ENDED);
  });

  it('ends with the last open breaker, and stays as the last one', () => {
    expect(ENDED).toEqual({ ...BEGAN, endTime: '2026-03-01T12:01:30Z' });
    expect(statusOutage(input(0, { previous: ENDED, at: 900_000 }))).toEqual(ENDED);
  });

  it('continues when a breaker opens within a minute, else another one begins', () => {
    expect(statusOutage(input(1, { previous: ENDED, at: 120_000 }))).toEqual(BEGAN);
    expect(statusOutage(input(1, { previous: ENDED, at: 160_000 }))?.startTime).toBe('2026-03-01T12:02:40Z');
  });

  it('is another one where a breaker opens by itself after somebody forced one open', () => {
    const forced = statusOutage(input(1, { cause: 'forced-open' }))!;
    expect(statusOutage(input(1, { previous: forced, cause: 'forced-open', at: 20_000 }))).toEqual(forced);
    expect(statusOutage(input(0, { halfOpen: 1, previous: forced, at: 25_000 }))).toEqual(forced);
    const began = statusOutage(input(1, { previous: forced, cause: 'probe-failed: Error: down', at: 30_000 }))!;
    expect(began).toMatchObject({ startTime: '2026-03-01T12:00:30Z', cause: 'probe-failed: Error: down' });
    expect(outageEnded({ ...forced, endTime: began.startTime }).message).toBe(
      'it was forced open; calls were refused for 30 s by 1 open breaker, first payments on pod-1',
    );
    expect(statusOutage(input(1, { previous: began, cause: 'forced-open', at: 40_000 }))).toEqual(began);
    const ended = statusOutage(input(0, { previous: began, at: 45_000 }))!;
    expect(statusOutage(input(1, { previous: ended, cause: 'forced-open', at: 50_000 }))?.startTime).toBe(
      '2026-03-01T12:00:50Z',
    );
  });

  it('is over a minute after its end', () => {
    const ended = Date.parse(ENDED.endTime);
    expect([isOver(BEGAN, ended), isOver(ENDED, ended + 59_999), isOver(ENDED, ended + 60_000)]).toEqual([
      ...[false, false, true],
    ]);
  });

  it('does not end while agents or replicas are missing, as after a restart', () => {
    expect(statusOutage(input(0, { previous: BEGAN, settling: true, at: 5_000 }))).toEqual(BEGAN);
  });
});

describe('the Event of an outage', () => {
  it('is its beginning and its end', () => {
    expect(outageBegan(BEGAN)).toEqual({
      ...{ type: 'Warning', reason: 'OutageBegan' },
      message: 'calls are refused: payments on pod-1 opened: failure-rate: Error: down',
    });
    expect(outageEnded(ENDED)).toEqual({
      ...{ type: 'Normal', reason: 'OutageEnded' },
      message:
        'no breaker opened again for a minute; calls were refused for 90 s by up to 2 open breakers, first payments on pod-1',
    });
    expect(outageEnded({ ...ENDED, mostOpen: 1 }).message).toMatch(/ for 90 s by 1 open breaker, first /);
  });
});
