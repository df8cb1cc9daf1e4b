import { describe, expect, it, jest } from '@jest/globals';
import { retryAfterMs } from './retry-after.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const headers = (value: unknown) => ({ 'retry-after': value });

describe('Retry-After', () => {
  it.each([
    ['seconds in a plain header', { headers: headers('120') }, 120_000],
    ['seconds as a number', { headers: headers(7) }, 7_000],
    ['a list of one', { headers: headers(['7']) }, 7_000],
    ['a header as it is written on the wire', { headers: { 'Retry-After': '7' } }, 7_000],
    ['a real Response', new Response(null, { headers: { 'Retry-After': '9' } }), 9_000],
    ['the response of an error', Object.assign(new Error('503'), { response: { headers: headers('5') } }), 5_000],
    ['an error that has both, its own first', { headers: headers('1'), response: { headers: headers('2') } }, 1_000],
    ['a date', { headers: headers('Thu, 01 Jan 2026 12:01:00 GMT') }, 60_000],
    ['a date in the older form', { headers: headers('Thursday, 01-Jan-26 12:01:00 GMT') }, 60_000],
    ['a date as asctime writes it', { headers: headers('Thu Jan  1 12:01:00 2026') }, 60_000],
    ['milliseconds', { headers: { 'retry-after-ms': '1500', ...headers('9') } }, 1_500],
    ['milliseconds that are none', { headers: { 'retry-after-ms': 'soon', ...headers('9') } }, 9_000],
    ['a header in capitals', { headers: { 'RETRY-AFTER': '7' } }, 7_000],
    ['a date that has passed', { headers: headers('Thu, 01 Jan 2026 11:00:00 GMT') }, 0],
    ['a date that is none', { headers: headers('Thu, 99 Xyz 2026 12:01:00 GMT') }, 0],
    ['a date of another form', { headers: headers('2026-01-01T12:01:00Z') }, 0],
    ['a negative number', { headers: headers('-5') }, 0],
    ['a fraction', { headers: headers('1.5') }, 0],
    ['words', { headers: headers('soon') }, 0],
    ['headers that are no object', { headers: 'retry-after: 5' }, 0],
    ['no headers', {}, 0],
    ['no response', { response: null }, 0],
    ['nothing', undefined, 0],
    ['null', null, 0],
    ['a text', 'retry-after: 5', 0],
  ])('is read from %s', (_name, outcome, ms) => {
    expect(retryAfterMs(outcome, () => NOW)).toBe(ms);
  });

  it('is nothing in what throws when looked at', () => {
    const hostile = Object.defineProperty({}, 'headers', {
      get() {
        throw new Error('do not look');
      },
    });
    expect(retryAfterMs(hostile, () => NOW)).toBe(0);
  });

  it('needs the wall clock for dates only', () => {
    const wall = jest.fn(() => NOW);
    retryAfterMs({ headers: headers('120') }, wall);
    expect(wall).not.toHaveBeenCalled();
  });
});
