import { describe, expect, it } from '@jest/globals';
import { StreamReader } from './stream-reader.ts';

const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`;

const ANSWER =
  'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n' +
  chunk('event: hello\ndata: {"protocol":1}\n\n') +
  chunk('event: begin\ndata: {"a":1}\n\nevent: commit\nid: r1\ndata: {"revision":"r1"}') +
  chunk('\n\nevent: heartbeat\ndata: {}\n\n');

function read(...texts: string[]) {
  const heard: unknown[] = [];
  const reader = new StreamReader({
    answered: (...answer) => heard.push(answer),
    event: (name, data) => heard.push([name, data]),
  });
  for (const text of texts) reader.push(text);
  return heard;
}

const HEARD = [
  [200, 0],
  ['hello', '{"protocol":1}'],
  ['begin', '{"a":1}'],
  ['commit', '{"revision":"r1"}'],
  ['heartbeat', '{}'],
];

describe('the reader of a stream', () => {
  it('reads head, chunks and events', () => {
    expect(read(ANSWER)).toEqual(HEARD);
  });

  it('reads the same however the text is cut', () => {
    expect(read(...ANSWER)).toEqual(HEARD);
    for (let at = 1; at < ANSWER.length; at += 1) expect(read(ANSWER.slice(0, at), ANSWER.slice(at))).toEqual(HEARD);
  });

  it('reads a body that is not in chunks', () => {
    const plain = 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nevent: hello\ndata: {}\n\nevent: be';
    expect(read(plain, 'gin\ndata: 1\n\n')).toEqual([
      [200, 0],
      ['hello', '{}'],
      ['begin', '1'],
    ]);
  });

  it('reads how long a refusal asks to wait', () => {
    expect(read('HTTP/1.1 503 Service Unavailable\r\nRetry-After: 4\r\ncontent-length: 2\r\n\r\n{}')).toEqual([
      [503, 4_000],
    ]);
  });
});
