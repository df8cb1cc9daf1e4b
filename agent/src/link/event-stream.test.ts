import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventDecoder, MAX_EVENT_LENGTH, MAX_ROUTES_LENGTH } from './event-stream.ts';

const bytes = (text: string) => new TextEncoder().encode(text);
const decode = (...chunks: (string | Uint8Array)[]) => {
  const decoder = new EventDecoder();
  return chunks.flatMap((chunk) => decoder.decode(typeof chunk === 'string' ? bytes(chunk) : chunk).events);
};

describe('the event stream decoder', () => {
  it.each([
    ['one event', 'event: hello\ndata: {}\n\n', [{ event: 'hello', data: '{}' }]],
    ['an id', 'event: commit\nid: r1\ndata: {}\n\n', [{ event: 'commit', data: '{}', id: 'r1' }]],
    [
      'carriage returns',
      'event: a\r\ndata: 1\r\n\r\ndata: 2\r\r',
      [
        { event: 'a', data: '1' },
        { event: 'message', data: '2' },
      ],
    ],
    ['several lines of data', 'data: a\ndata: b\n\n', [{ event: 'message', data: 'a\nb' }]],
    ['no space after the colon', 'data:a\n\n', [{ event: 'message', data: 'a' }]],
    ['a byte order mark', '\ufeffdata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['comments and unknown fields', ': ping\nretry: 5\nfoo\ndata: a\n\n', [{ event: 'message', data: 'a' }]],
    ['an event without data', 'event: a\n\ndata: b\n\n', [{ event: 'message', data: 'b' }]],
    ['an event that is not finished', 'data: a\n', []],
  ])('reads %s', (_what, text, events) => {
    expect(decode(text)).toEqual(events);
  });

  it('reads the same events however the bytes are cut', () => {
    const text = 'event: policy\r\nid: ü1\r\ndata: {"name":"Zahlung €\u{1f600}"}\r\n\r\n: c\rdata: x\n\n';
    const whole = decode(text);
    const all = bytes(text);
    fc.assert(
      fc.property(fc.array(fc.nat(all.length), { maxLength: 12 }), (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), all.length];
        expect(decode(...at.slice(1).map((end, i) => all.subarray(at[i], end)))).toEqual(whole);
      }),
    );
    expect(whole).toHaveLength(2);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => void decode(...chunks)));
  });

  it.each([
    ['one endless line', 'x'.repeat(MAX_EVENT_LENGTH + 1)],
    ['endless data', 'data: y\n'.repeat(MAX_EVENT_LENGTH / 4)],
    ['endless routes', `event: routes\ndata: ${'z'.repeat(MAX_ROUTES_LENGTH)}`],
  ])('gives up on %s and reads nothing more', (_what, text) => {
    const decoder = new EventDecoder();
    expect(decoder.decode(bytes(text)).fault).toMatch(/longer than/);
    expect(decoder.decode(bytes('\n\ndata: a\n\n')).events).toEqual([]);
  });

  it('takes routes that are longer than any other event may be', () => {
    expect(decode(`event: routes\ndata: ${'z'.repeat(MAX_EVENT_LENGTH * 2)}\n\n`)).toHaveLength(1);
  });
});

it.each([
  ['a comment', `: ${'x'.repeat(MAX_EVENT_LENGTH)}\n\ndata: a\n\n`],
  ['an unknown field', `x: ${'x'.repeat(MAX_EVENT_LENGTH)}\n\ndata: a\n\n`],
  ['an event that is no more of routes', `event: routes\ndata: ${'x'.repeat(MAX_EVENT_LENGTH)}\nevent: a\n\n`],
])('finds %s too long however it is cut into chunks', (_what, text) => {
  const faults = [[], [1_000], [text.length - 12], [text.length - 2]].map((cuts) => {
    const decoder = new EventDecoder();
    return [...cuts, text.length]
      .map((to, i) => decoder.decode(bytes(text.slice(i === 0 ? 0 : cuts[i - 1], to))))
      .at(-1);
  });
  expect(faults).toEqual(faults.map(() => ({ events: [], fault: 'an event is longer than 128 KiB' })));
});
