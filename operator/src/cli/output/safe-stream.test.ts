import { styleText } from 'node:util';
import { expect, it } from '@jest/globals';
import { safeStream, safeText } from './safe-stream.ts';

it.each([
  ['the title of the window', '\x1b]0;owned\x07', '\\u001b]0;owned\\u0007'],
  ['a screen that is cleared inside of text', 'pod\x1b[2J\x1b[0J', 'pod\\u001b[2J\\u001b[0J'],
  ['a line that is written over', 'open\rclosed', 'open\\u000dclosed'],
  ['a control of one character', '\x9b2J', '\\u009b2J'],
  ['text that runs the other way', '\u202edesolc', '\\u202edesolc'],
  ['a character that takes two units', '\u{e0001}', '\\udb40\\udc01'],
])('makes %s visible', (_what, text, shown) => {
  expect(safeText(text)).toBe(shown);
});

it('passes lines, colours, and what begins a line or the screen again', () => {
  const red = styleText('red', 'open', { validateStream: false });
  for (const text of [`${red}\n\tclosed\n`, '\x1b[1;1H', '\x1b[0J', '\r\x1b[Kpart 1: 3 of 4']) {
    expect(safeText(text)).toBe(text);
  }
});

it('is what is written, and leaves all else of the stream as it is', () => {
  const written: string[] = [];
  const stream = { isTTY: true, rows: 40, write: (text: string) => written.push(text) > 0 };
  const safe = safeStream(stream as unknown as NodeJS.WriteStream);
  expect([safe.isTTY, safe.rows, safe.write('a\x1b[6n\n')]).toEqual([true, 40, true]);
  expect(written).toEqual(['a\\u001b[6n\n']);
});
