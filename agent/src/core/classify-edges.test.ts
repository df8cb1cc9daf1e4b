import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../test/config-of.ts';
import { classifyError, classifyResult } from './classify.ts';

const judging = (classify: object) => configOf({ classify }).classification;
const response = (status: unknown) => ({ status, headers: { get() {} } });

describe('a status', () => {
  const all = judging({ failure: { httpStatus: ['1xx', '5xx'] } });
  it.each([
    [99, 'success'],
    [100, 'failure'],
    [199, 'failure'],
    [200, 'success'],
    [599, 'failure'],
    [600, 'success'],
    [503.5, 'success'],
    ['503', 'success'],
  ])('of %p in a result is a %s', (status, outcome) => {
    expect(classifyResult(all, response(status))).toBe(outcome);
  });

  it.each([
    [99, 'failure'],
    [100, 'failure'],
    [404, 'success'],
    [599, 'failure'],
    [600, 'failure'],
  ])('of %p in an error is a %s: what is no status leaves an error an error', (status, outcome) => {
    expect(classifyError(all, { status })).toBe(outcome);
    expect(classifyError(judging({}), { status: 600 })).toBe('failure');
  });

  it('is that of the response before that of the error', () => {
    expect(classifyError(judging({}), { response: { status: 404 }, status: 503 })).toBe('success');
    expect(classifyError(judging({}), { response: null, status: 404, statusCode: 503 })).toBe('success');
    expect(classifyError(judging({}), { status: 0, statusCode: 404 })).toBe('success');
  });

  it.each([null, undefined, 5, 'text', { status: 503 }, { status: 503, headers: null }, { status: 503, headers: {} }])(
    'is not in the result %p',
    (result) => {
      expect(classifyResult(judging({}), result)).toBe('success');
    },
  );

  it('that cannot be read is none', () => {
    const broken = Object.defineProperty({}, 'status', {
      get() {
        throw new Error('gone');
      },
    });
    expect(classifyResult(judging({}), broken)).toBe('success');
    expect(classifyError(judging({ ignore: { errorNames: ['Error'] } }), broken)).toBe('failure');
  });
});

describe('names and codes', () => {
  class Base extends Error {}
  class Derived extends Base {
    override name = 'Renamed';
  }

  it.each([null, undefined, 'down', 5])('are not in the thrown %p', (thrown) => {
    expect(classifyError(judging({ failure: { errorNames: ['Error'] } }), thrown)).toBe('success');
    expect(classifyError(judging({ ignore: { errorNames: ['Error'], errorCodes: ['5'] } }), thrown)).toBe('failure');
  });

  it('are compared as text and number, and with nothing else', () => {
    const listed = judging({ failure: { errorCodes: ['42', 'ECONNRESET', 'x'] } });
    expect(classifyError(listed, { code: 42 })).toBe('failure');
    expect(classifyError(listed, { code: 'ECONNRESET' })).toBe('failure');
    expect(classifyError(listed, { code: ['x'] })).toBe('success');
    expect(classifyError(listed, {})).toBe('success');
  });

  it('listed one by one make all else no failure', () => {
    expect(classifyError(judging({ failure: { errorCodes: ['A'] } }), new Error('b'))).toBe('success');
    expect(classifyError(judging({ failure: { errorNames: ['A'] } }), new Error('b'))).toBe('success');
    expect(classifyError(judging({ failure: { errorNames: ['A'], errorCodes: ['B'] } }), { code: 'B' })).toBe(
      'failure',
    );
  });

  it.each(['Renamed', 'Derived', 'Base', 'Error'])('match an error by %s, its own or that of a class of it', (name) => {
    expect(classifyError(judging({ ignore: { errorNames: [name] } }), new Derived('x'))).toBe('ignored');
  });

  it('do not match what every object is', () => {
    expect(classifyError(judging({ ignore: { errorNames: ['Object'] } }), new Derived('x'))).toBe('failure');
    expect(classifyError(judging({ ignore: { errorNames: ['5'] } }), { name: [5] })).toBe('failure');
  });

  it('of a class are those that its prototype says, too', () => {
    class Quiet extends Error {}
    Object.defineProperty(Quiet.prototype, 'name', { value: 'Loud' });
    const thrown = Object.assign(new Quiet('x'), { code: 'Z' });
    Object.defineProperty(thrown, 'name', { value: 'Other' });
    expect(classifyError(judging({ ignore: { errorNames: ['Loud'] } }), thrown)).toBe('ignored');
  });
});

describe('what an error really says', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  const listed = judging({ failure: { errorCodes: ['ECONNREFUSED'] } });
  const ignoring = judging({ ignore: { errorCodes: ['ECONNREFUSED'] } });
  it.each<[string, unknown]>([
    ['fetch', new TypeError('fetch failed', { cause: refused })],
    ['fetch, of several addresses', new TypeError('fetch failed', { cause: new AggregateError([refused, refused]) })],
    ['Drizzle', new Error('Failed query', { cause: refused })],
    ['Sequelize', Object.assign(new Error('refused'), { original: refused })],
    ['TypeORM', Object.assign(new Error('refused'), { driverError: refused })],
    ['node itself', new AggregateError([new Error('other'), refused])],
  ])('is found behind the error of %s', (_, error) => {
    expect(classifyError(listed, error)).toBe('failure');
    expect(classifyError(ignoring, error)).toBe('ignored');
    expect(classifyError(judging({ failure: { errorCodes: ['ETIMEDOUT'] } }), error)).toBe('success');
  });

  it.each<[string, object]>([
    ['response.status', { response: { status: 404 } }],
    ['response.statusCode', { response: { statusCode: 404 } }],
    ['status', { status: 404 }],
    ['statusCode', { statusCode: 404 }],
    ['$metadata.httpStatusCode', { $metadata: { httpStatusCode: 404 } }],
    ['its cause', { cause: { $metadata: { httpStatusCode: 404 } } }],
    ['an outer error before an inner', { status: 404, cause: { status: 503 } }],
  ])('is the status of %s', (_, fields) => {
    expect(classifyError(judging({}), Object.assign(new Error('not found'), fields))).toBe('success');
    expect(classifyError(judging({ failure: { httpStatus: ['404'] } }), fields)).toBe('failure');
  });

  it.each([200, 204, 302, 399])('is not a status of %d: what was thrown went wrong', (status) => {
    const cut = Object.assign(new Error('aborted'), { code: 'ECONNRESET', response: { status } });
    expect(classifyError(judging({}), cut)).toBe('failure');
    expect(classifyError(judging({ failure: { errorCodes: ['ECONNRESET'] } }), cut)).toBe('failure');
    expect(classifyError(judging({ ignore: { errorCodes: ['ECONNRESET'] } }), cut)).toBe('ignored');
    expect(classifyError(judging({ failure: { httpStatus: ['2xx', '3xx', '5xx'] } }), cut)).toBe('failure');
  });

  it('is read of errors that lead back to themselves', () => {
    const circle: Error = new Error('circle');
    circle.cause = circle;
    expect(classifyError(judging({}), circle)).toBe('failure');
    expect(classifyError(listed, circle)).toBe('success');
  });
});

describe('a result', () => {
  it.each([
    ['as undici.request gives it', { statusCode: 503, headers: { 'content-type': 'text/plain' }, body: {} }, 'failure'],
    ['that is no answer of HTTP', { statusCode: 503 }, 'success'],
    ['whose status is text', { statusCode: '503', headers: {} }, 'success'],
    ['with a good status', { statusCode: 200, headers: {} }, 'success'],
  ])('%s', (_, result, outcome) => {
    expect(classifyResult(judging({}), result)).toBe(outcome);
  });
});
