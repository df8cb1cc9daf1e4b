import { describe, expect, it } from '@jest/globals';
import { printable, printableValue } from './printable.ts';

const HOSTILE = '\x1b]0;title\x07\x1b[2J\r\nfake\tline\x9b31m\u202eevil\u2028\u200b\ud800';

describe('what is printable', () => {
  it('holds no control, no turn of direction and no half character', () => {
    expect(printable(HOSTILE)).toBe(
      '\\u001b]0;title\\u0007\\u001b[2J\\u000d\\u000afake\\u0009line\\u009b31m\\u202eevil\\u2028\\u200b\\ud800',
    );
  });

  it('leaves text of any language as it is', () => {
    const text = 'Zahlungen für Łódź, 支払い, оплата, 💳';
    expect(printable(text)).toBe(text);
  });

  it('inside JSON is the same value', () => {
    const value = { text: '\u009b\u202e\u{e0001}\u2028' };
    expect(JSON.parse(printable(JSON.stringify(value)))).toEqual(value);
  });

  it('is made of every string in a value, and leaves one without any as it is', () => {
    expect(printableValue({ a: ['x', { b: '\x1b[m' }], n: 1, z: null })).toEqual({
      a: ['x', { b: '\\u001b[m' }],
      n: 1,
      z: null,
    });
    const clean = { a: ['x', { b: 'y' }] };
    expect(printableValue(clean)).toBe(clean);
  });
});
