import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { propertyRuns } from '../../../test/property-runs.ts';
import { put } from '../../../test/put.ts';
import { TimeWindow } from './time-window.ts';

interface Sample {
  at: number;
  failed: boolean;
  slow: boolean;
}

/** What a window of ten spans holds, counted from a plain log. */
function held(log: readonly Sample[], ms: number, now: number) {
  const span = ms / 10;
  const inside = log.filter(({ at }) => Math.floor(now / span) - Math.floor(at / span) < 10);
  return sums(inside);
}

const sums = (log: readonly { failed: boolean; slow: boolean }[]) => ({
  calls: log.length,
  failures: log.filter(({ failed }) => failed).length,
  slow: log.filter(({ slow }) => slow).length,
});

const counts = ({ calls, failures, slow }: TimeWindow) => ({ calls, failures, slow });
/** As a share of the window: mostly within a span, sometimes a few spans, now and then beyond the window. */
const pause = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0, max: 0.1, noNaN: true }) },
  { weight: 3, arbitrary: fc.double({ min: 0, max: 0.5, noNaN: true }) },
  { weight: 1, arbitrary: fc.double({ min: 0.5, max: 2, noNaN: true }) },
);
const windowMs = fc.constantFrom(1, 10, 70, 1_000, 10_000, 86_400_000);

describe('a Time window', () => {
  it('holds what a log of all outcomes says is inside it', () => {
    fc.assert(
      fc.property(
        windowMs,
        fc.integer({ min: 0, max: 10_000_000 }),
        fc.array(fc.tuple(pause, fc.boolean(), fc.boolean()), { maxLength: 80, size: 'max' }),
        (ms, start, steps) => {
          let now = start;
          const window = new TimeWindow(ms, now);
          const log: Sample[] = [];
          for (const [share, failed, slow] of steps) {
            now = Math.floor(now + share * ms);
            put(window, now, failed, slow);
            log.push({ at: now, failed, slow });
            expect(counts(window)).toEqual(held(log, ms, now));
          }
        },
      ),
    );
  });

  it('never holds a call longer than it reaches, nor loses one before nine tenths of that', () => {
    fc.assert(
      fc.property(windowMs, fc.nat(1_000_000), fc.double({ min: 0, max: 2, noNaN: true }), (ms, at, share) => {
        const window = new TimeWindow(ms, at);
        window.record(at, true, false);
        window.advance(at + share * ms);
        if (share <= 0.89) expect(window.calls).toBe(1);
        if (share >= 1.01) expect(window.calls).toBe(0);
      }),
    );
  });

  it('is empty after any idle time longer than itself', () => {
    const window = new TimeWindow(10_000, 0);
    for (let i = 0; i < 10; i++) window.record(i * 900, true, false);
    window.advance(3_600_000);
    expect(counts(window)).toEqual({ calls: 0, failures: 0, slow: 0 });
    window.record(3_600_000, false, false);
    expect(counts(window)).toEqual({ calls: 1, failures: 0, slow: 0 });
  });

  it('keeps samples at most an old span longer when it is resized, and loses none that is young enough', () => {
    fc.assert(
      fc.property(
        windowMs,
        windowMs,
        fc.array(fc.tuple(fc.double({ min: 0, max: 0.3, noNaN: true }), fc.boolean()), { maxLength: 40, size: 'max' }),
        (before, after, steps) => {
          let now = 1_000_000;
          const window = new TimeWindow(before, now);
          const log: Sample[] = [];
          for (const [share, failed] of steps) {
            now += share * before;
            put(window, now, failed, false);
            log.push({ at: now, failed, slow: false });
          }
          window.resize(after, now);
          const younger = (age: number) => log.filter(({ at }) => now - at < age).length;
          const least = younger(0.89 * Math.min(before, after));
          const most = younger(1.01 * Math.min(before, after + before / 10));
          expect(window.calls).toBeGreaterThanOrEqual(least);
          expect(window.calls).toBeLessThanOrEqual(most);
          expect(window.failures).toBeLessThanOrEqual(window.calls);
          window.advance(now + after + before / 10 + 1);
          expect(counts(window)).toEqual({ calls: 0, failures: 0, slow: 0 });
        },
      ),
    );
  });

  it('moves each old bucket whole to the new bucket of its newest instant', () => {
    const sizes = fc.constantFrom(10, 70, 1_000, 10_000, 25_000);
    const step = fc.record({ pause, failed: fc.boolean(), slow: fc.boolean(), resize: fc.option(sizes, { freq: 8 }) });
    fc.assert(
      fc.property(sizes, fc.array(step, { maxLength: 60, size: 'max' }), (initial, steps) => {
        let [ms, now] = [initial, 1_000_000];
        const window = new TimeWindow(ms, now);
        /** Every outcome with the bucket that it is in, in spans of the window of its time. */
        let log: { bucket: number; failed: boolean; slow: boolean }[] = [];
        const current = () => Math.floor(now / (ms / 10));
        for (const { pause, failed, slow, resize } of steps) {
          now = Math.floor(now + pause * ms);
          log = log.filter(({ bucket }) => current() - bucket < 10);
          if (resize !== null && resize !== ms) {
            const old = ms / 10;
            window.resize(resize, now);
            ms = resize;
            log = log.map(({ bucket, ...sample }) => {
              const end = (bucket + 1) * old;
              return { bucket: end > now ? current() : Math.ceil(end / (ms / 10)) - 1, ...sample };
            });
            log = log.filter(({ bucket }) => current() - bucket < 10);
          }
          put(window, now, failed, slow);
          log.push({ bucket: current(), failed, slow });
          expect(counts(window)).toEqual(sums(log));
        }
      }),
      { numRuns: propertyRuns(300) },
    );
  });

  it('stays as it is when the new size is the old one', () => {
    const window = new TimeWindow(1_000, 0);
    window.record(10, true, false);
    window.resize(1_000, 500);
    expect(counts(window)).toEqual({ calls: 1, failures: 1, slow: 0 });
  });

  it('forgets everything when cleared, and counts on', () => {
    const window = new TimeWindow(1_000, 0);
    window.record(10, true, false);
    window.clear();
    window.record(950, false, false);
    expect(counts(window)).toEqual({ calls: 1, failures: 0, slow: 0 });
  });
});
