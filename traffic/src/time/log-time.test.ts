import { describe, expect, it } from '@jest/globals';
import { LogTime } from './log-time.ts';

describe('times in logs', () => {
  it.each<[string | number, string | undefined, string]>([
    ['01/May/2024:12:00:02 +0200', undefined, '2024-05-01T10:00:02.000Z'],
    ['2024-05-01T10:00:02.123456Z', undefined, '2024-05-01T10:00:02.123Z'],
    ['2024-05-01T12:00:02+02:00', undefined, '2024-05-01T10:00:02.000Z'],
    ['2024-05-01 10:00:02,123', undefined, '2024-05-01T10:00:02.123Z'],
    ['2024/05/01 10:00:02', '-05:00', '2024-05-01T15:00:02.000Z'],
    ['2024-05-01T10:00:02', 'Europe/Berlin', '2024-05-01T08:00:02.000Z'],
    ['2024-01-01T10:00:02', 'Europe/Berlin', '2024-01-01T09:00:02.000Z'],
    ['1714557602.123', undefined, '2024-05-01T10:00:02.123Z'],
    [1714557602123, undefined, '2024-05-01T10:00:02.123Z'],
    [1714557602123456, undefined, '2024-05-01T10:00:02.123Z'],
    ['1714557602123456789', undefined, '2024-05-01T10:00:02.123Z'],
  ])('%s in zone %s is %s', (text, zone, expected) => {
    expect(new Date(new LogTime(zone).parse(text)).toISOString()).toBe(expected);
  });

  it.each(['', 'yesterday', 'May  1 10:00:02', '99/Foo/2024:12:00:02 +0200', null, undefined])('%s is none', (text) => {
    expect(new LogTime(undefined).parse(text)).toBeNaN();
  });

  it('keep the unit of the first number, so that a series of 12 days does not turn into dates', () => {
    const time = new LogTime(undefined);
    expect([0, 30, 2e8].map((value) => time.parse(value))).toEqual([0, 30, 2e8]);
    expect(time.notes().join()).toContain('counted from the start of the series');
  });

  it('that the clock shows twice in autumn are told apart by their order', () => {
    const time = new LogTime('Europe/Berlin');
    const texts = ['01:59:00', '02:30:00', '02:59:00', '02:01:00', '02:30:00', '03:01:00'].map(
      (text) => `2024-10-27 ${text}`,
    );
    const minutes = texts.map((text) => (time.parse(text) - Date.UTC(2024, 9, 26, 23, 0)) / 60_000);
    expect(minutes).toEqual([59, 90, 119, 121, 150, 181]);
    expect(time.notes().join()).toContain('daylight saving');
  });

  it('without a zone are UTC, and that is said', () => {
    const time = new LogTime(undefined);
    expect(time.parse('2024-05-01 10:00:02')).toBe(Date.UTC(2024, 4, 1, 10, 0, 2));
    expect(time.notes().join()).toContain('taken as UTC');
  });

  it('refuse a zone that there is not', () => {
    expect(() => new LogTime('Mars/Olympus')).toThrow('"Mars/Olympus" is no time zone');
  });
});
