import { describe, expect, it } from '@jest/globals';
import { RestoreDetector } from './restore-detector.ts';

function scene() {
  const clock = { time: 0, now: () => clock.time };
  const restoreDetector = new RestoreDetector(30_000, clock);
  const behind = (at: number, ours: string, theirs = '100', namespace = 'shop') => {
    clock.time = at;
    return restoreDetector.observeLag(namespace, { policies: ours }, { policies: theirs });
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
    expect(behind(60_001, '50')).toBe(false);
    expect(behind(120_001, '50')).toBe(true);
  });

  it('is judged in each namespace by itself', () => {
    const { behind } = scene();
    behind(0, '50');
    expect(behind(30_000, '50', '100', 'billing')).toBe(false);
    expect(behind(30_000, '50')).toBe(true);
  });
});
