import { describe, expect, it } from '@jest/globals';
import { TIMELINE_BOUNDS_MS, TIMELINE_COLUMNS, TIMELINE_RANGES, Timeline, type TimelinePart } from './timeline.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

const column = ({ values }: TimelinePart, name: (typeof TIMELINE_COLUMNS)[number]) =>
  values.filter((_, i) => i % TIMELINE_COLUMNS.length === TIMELINE_COLUMNS.indexOf(name));
const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

describe('the timeline of a breaker', () => {
  it('has every call in both ranges, in the slot of its time', () => {
    const timeline = new Timeline();
    timeline.count([10, 3, 2, 4, 1], [], DAY);
    timeline.count([5, 0, 0, 0, 0], [], DAY + 2 * MINUTE);
    const hour = timeline.read('1h', DAY + 2 * MINUTE);
    expect(column(hour, 'calls').slice(-7)).toEqual([10, 0, 0, 0, 0, 0, 5]);
    expect(column(hour, 'rejected').slice(-7)[0]).toBe(4);
    expect(hour.begin + (column(hour, 'calls').length - 7) * hour.slotMs).toBe(DAY);
    expect(column(timeline.read('24h', DAY + 2 * MINUTE), 'calls').at(-1)).toBe(15);
  });

  it('drops what is older than its range, and takes no more memory after days', () => {
    const timeline = new Timeline();
    for (let at = 0; at < 3 * DAY; at += MINUTE) timeline.count([1, 0, 0, 0, 0], [0, 0, 1], at);
    const { slots } = TIMELINE_RANGES['24h'];
    for (const range of ['1h', '24h'] as const) {
      const { values } = timeline.read(range, 3 * DAY - 1);
      expect(values).toHaveLength(TIMELINE_RANGES[range].slots * TIMELINE_COLUMNS.length);
    }
    expect(sum(column(timeline.read('1h', 3 * DAY - 1), 'calls'))).toBe(60);
    expect(sum(column(timeline.read('24h', 3 * DAY - 1), 'calls'))).toBe(slots * 5);
    expect(sum(timeline.readLatency('24h', 3 * DAY - 1).values)).toBe(24 * 60);
    expect(sum(column(timeline.read('24h', 5 * DAY), 'calls'))).toBe(0);
  });

  it('keeps the most agents that were open at once, and how many began', () => {
    const timeline = new Timeline();
    timeline.started(MINUTE);
    timeline.started(MINUTE);
    timeline.observe(1, 2, MINUTE);
    timeline.observe(3, 0, MINUTE);
    const hour = timeline.read('1h', MINUTE);
    expect(['started', 'open', 'halfOpen'].map((name) => column(hour, name as never).at(-1))).toEqual([2, 3, 2]);
  });

  it('puts latencies into rows from 8 ms on', () => {
    const timeline = new Timeline();
    const buckets = new Array<number>(20).fill(0);
    [buckets[0], buckets[6], buckets[7], buckets[19]] = [1, 2, 4, 8];
    timeline.count([15, 0, 0, 0, 0], buckets, MINUTE);
    const { values } = timeline.readLatency('1h', MINUTE);
    const rows = values.slice(-TIMELINE_BOUNDS_MS.length);
    expect([rows[0], rows[1], rows.at(-1)]).toEqual([3, 4, 8]);
    expect(TIMELINE_BOUNDS_MS.slice(0, 2)).toEqual([8, 16]);
  });
});
