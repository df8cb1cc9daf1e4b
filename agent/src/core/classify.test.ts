import { describe, expect, it } from '@jest/globals';
import { classifyError, classifyResult, errorStatus } from './classify.ts';
import { compile } from './config/config.ts';

const classification = (classify?: unknown) => {
  const compiled = compile({ classify });
  if (!compiled.ok) throw new Error(`${compiled.field} ${compiled.message}`);
  return compiled.config.classification;
};
const response = (status: unknown) => ({ status, headers: { get: () => null } });
class NetworkError extends Error {}
class DnsError extends NetworkError {}
class Named extends Error {
  override name = 'OtherName';
}
const throwing = new Proxy(
  {},
  {
    get() {
      throw new Error('do not look');
    },
  },
);
const endless: object = new Proxy(
  {},
  {
    get: (_, key) => (key === 'constructor' ? class Deep {} : undefined),
    getPrototypeOf: () => endless,
  },
);

describe('a result', () => {
  const listed = classification({ failure: { httpStatus: ['429', '3xx'] } });
  it.each([
    ['undefined', undefined, 'success'],
    ['null', null, 'success'],
    ['a number', 503, 'success'],
    ['a real Response with 503', new Response(null, { status: 503 }), 'failure'],
    ['a real Response with 404', new Response(null, { status: 404 }), 'success'],
    ['an object with a status and no headers', { status: 503 }, 'success'],
    ['an object with headers that cannot be read', { status: 503, headers: {} }, 'success'],
    ['an object with null headers', { status: 503, headers: null }, 'success'],
    ['a status that is text', response('503'), 'success'],
    ['a status with a fraction', response(503.5), 'success'],
    ['a status beyond 599', response(600), 'success'],
    ['a status below 100', response(99), 'success'],
    ['an object that throws when looked at', throwing, 'success'],
  ])('that is %s', (_, result, outcome) => {
    expect(classifyResult(classification(), result)).toBe(outcome);
  });

  it('is judged by the listed statuses instead of 5xx', () => {
    expect(classifyResult(listed, response(429))).toBe('failure');
    expect(classifyResult(listed, response(428))).toBe('success');
    expect(classifyResult(classification({ failure: { httpStatus: ['429'] } }), response(503))).toBe('success');
  });

  it('is ignored when both lists match', () => {
    expect(classifyResult(classification({ ignore: { httpStatus: ['503'] } }), response(503))).toBe('ignored');
    expect(classifyResult(classification({ ignore: { httpStatus: ['5xx'] } }), response(503))).toBe('ignored');
  });

  it('never fails by status when the list is empty', () => {
    expect(classifyResult(classification({ failure: { httpStatus: [] } }), response(503))).toBe('success');
  });
});

describe('an error', () => {
  it.each([
    ['a plain one', new Error('x'), 'failure'],
    ['a text', 'x', 'failure'],
    ['nothing', undefined, 'failure'],
    ['null', null, 'failure'],
    ['one with response.status 404', { response: { status: 404 } }, 'success'],
    ['one with response.status 500 and status 404', { response: { status: 500 }, status: 404 }, 'failure'],
    ['one without a response but with status 404', { response: null, status: 404 }, 'success'],
    ['one with statusCode 404', { statusCode: 404 }, 'success'],
    ['one with status 404 as text', { status: '404' }, 'failure'],
    ['one that throws when looked at', throwing, 'failure'],
  ])('that is %s', (_, error, outcome) => {
    expect(classifyError(classification(), error)).toBe(outcome);
  });

  const lists = { errorNames: ['NetworkError', 'Deep'], errorCodes: ['ECONNRESET', '14'] };
  it.each([
    ['by its class', new NetworkError(), true],
    ['by a class that it extends', new DnsError(), true],
    ['by a name that was set', Object.assign(new Error(), { name: 'NetworkError' }), true],
    ['by its code', { code: 'ECONNRESET' }, true],
    ['by a code that is a number', { code: 14 }, true],
    ['by a class however long the chain', endless, true],
    ['by none: another class', new Named(), false],
    ['by none: another code', { code: 'EPIPE' }, false],
    ['by none: a code that is an object', { code: {} }, false],
    ['by none: a text', 'NetworkError', false],
    ['by none: nothing', undefined, false],
    ['by none: no class at all', Object.create(null), false],
  ])('matches names and codes %s', (_, error, matches) => {
    expect(classifyError(classification({ failure: lists }), error)).toBe(matches ? 'failure' : 'success');
    expect(classifyError(classification({ ignore: lists }), error)).toBe(matches ? 'ignored' : 'failure');
  });

  it('is ignored when both lists match', () => {
    expect(classifyError(classification({ failure: lists, ignore: lists }), new DnsError())).toBe('ignored');
    const byStatus = classification({ ignore: { httpStatus: ['503'] } });
    expect(classifyError(byStatus, { status: 503 })).toBe('ignored');
  });

  it('with a status is judged by the status alone', () => {
    const judge = classification({ failure: { errorCodes: ['E1'] }, ignore: { errorCodes: ['E2'] } });
    expect(classifyError(judge, { code: 'E1', status: 404 })).toBe('success');
    expect(classifyError(judge, { code: 'E2', status: 503 })).toBe('failure');
  });
});

describe('the status of an error', () => {
  it.each([
    ['itself', Object.assign(new Error('x'), { status: 503 }), 503],
    ['a cause', new Error('x', { cause: { statusCode: 502 } }), 502],
    ['nothing', new Error('x'), undefined],
    ['a string', 'down', undefined],
    ['null', null, undefined],
  ])('comes from %s', (_, error, status) => {
    expect(errorStatus(error)).toBe(status);
  });
});
