import { describe, expect, it } from '@jest/globals';
import { lastErrorOf } from './last-error.ts';

describe('what a failure was', () => {
  it.each<[string, unknown, object | undefined]>([
    ['an error', new RangeError('too far'), { name: 'RangeError', message: 'too far' }],
    [
      'an error of fetch',
      new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED 127.0.0.1:1') }),
      { name: 'TypeError', message: 'fetch failed: connect ECONNREFUSED 127.0.0.1:1' },
    ],
    ['several errors', new AggregateError([new Error('refused')]), { name: 'AggregateError', message: 'refused' }],
    ['an answer', new Response(null, { status: 503 }), { name: 'Response', message: 'HTTP 503' }],
    ['a result of undici.request', { statusCode: 502, headers: {} }, { name: 'Response', message: 'HTTP 502' }],
    ['a result without a status', { headers: {} }, { name: 'Response', message: 'HTTP without a status' }],
    [
      'a cause without a text',
      Object.assign(new Error('down'), { cause: { code: 1 } }),
      { name: 'Error', message: 'down' },
    ],
    ['a thing with a text alone', { message: 'down' }, { name: 'Object', message: 'down' }],
    ['nothing at all', null, { name: 'object', message: 'null' }],
    ['a text', 'down', { name: 'string', message: 'down' }],
    ['nothing that is known', undefined, undefined],
  ])('is told of %s', (_, what, expected) => {
    expect(lastErrorOf(what)).toEqual(expected);
  });

  it('is cut', () => {
    expect(lastErrorOf(new Error('x'.repeat(1_000)))!.message).toBe(`${'x'.repeat(200)}…`);
    expect(lastErrorOf(new Error('😀'.repeat(150)))!.message).toBe(`${'😀'.repeat(100)}…`);
    expect(lastErrorOf(new Error(`x${'😀'.repeat(150)}`))!.message).toBe(`x${'😀'.repeat(99)}…`);
  });

  it('is told of what cannot be looked at, too', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('do not look');
        },
      },
    );
    expect(lastErrorOf(hostile)).toEqual({ name: 'unknown', message: 'an error that cannot be read' });
  });
});
