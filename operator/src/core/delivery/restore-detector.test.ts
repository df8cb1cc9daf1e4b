import { describe, expect, it } from '@jest/globals';
import { RestoreDetector } from './restore-detector.ts';

function scene() {
  const clock = { time: 0, now: () => clock.time };
  const restoreDetector = new RestoreDetector(30_000, clock);
  const behind = (at: number, ours: string, theirs = '100', namespace = 'shop', pod = 'one') => {
    clock.time = at;
    return restoreDetector.observeLag({ namespace, pod }, { policies: ours }, { policies: theirs });
  };
  return { restoreDetector, behind };
}

describe('a store that shows less than agents have seen', () => {
  it('was restored once it has done so for a while, whatever is written to it meanwhile', () => {
    const { behind } = scene();
    expect(behind(0, '50')).toBe(false);
    expect(behind(10_000, '51', '90')).toBe(false);
    expect(behind(29_999, '60')).toBe(false);
    expect(behind(30_000, '61', '70')).toBe(true);
    expect(behind(31_000, '62')).toBe(true);
  });

  it('is another case when it showed as much in between', () => {
    const { restoreDetector, behind } = scene();
    behind(0, '50');
    restoreDetector.caughtUp('shop', { policies: '99' });
    expect(behind(20_000, '50')).toBe(false);
    restoreDetector.caughtUp('shop', { policies: '100' });
    expect(behind(30_000, '50')).toBe(false);
    expect(behind(40_000, '101', '110')).toBe(false);
    expect(behind(69_999, '102', '110')).toBe(false);
    expect(behind(70_000, '102', '110')).toBe(true);
  });

  it('is another case when nobody has found it older for a while', () => {
    const { behind } = scene();
    behind(0, '50');
    expect(behind(150_001, '50')).toBe(false);
    expect(behind(300_001, '50')).toBe(true);
  });

  it('is another case for each pod, whatever a neighbour says that it has seen', () => {
    const { restoreDetector, behind } = scene();
    const forged = (at: number, ours: string) => behind(at, ours, '99999999999999999999', 'shop', 'evil');
    for (let at = 0; at <= 60_000; at += 10_000) {
      forged(at, `${50 + at / 10_000}`);
      restoreDetector.caughtUp('shop', { policies: '99' });
    }
    expect(behind(61_000, '40')).toBe(false);
    expect(behind(90_999, '40')).toBe(false);
    expect(behind(91_000, '40')).toBe(true);
  });

  it('is another case for each pod that had seen as much as it showed in between', () => {
    const { restoreDetector, behind } = scene();
    behind(0, '50', '100', 'shop', 'one');
    behind(0, '50', '200', 'shop', 'two');
    restoreDetector.caughtUp('shop', { policies: '150' });
    expect(behind(30_000, '50', '100', 'shop', 'one')).toBe(false);
    expect(behind(30_000, '50', '200', 'shop', 'two')).toBe(true);
  });

  it('is judged in each namespace by itself', () => {
    const { behind } = scene();
    behind(0, '50');
    expect(behind(30_000, '50', '100', 'billing')).toBe(false);
    expect(behind(30_000, '50')).toBe(true);
  });
});
