import { describe, expect, it } from '@jest/globals';
import { causesOf } from './causes.ts';

const named = (name: string, fields: object = {}) => Object.assign(new Error(name), fields);
const names = (errors: readonly object[]) => errors.map((each) => (each as Error).message);

describe('the causes of an error', () => {
  it('come after it, level by level', () => {
    const reset = named('reset');
    const aggregate = named('aggregate', { errors: [named('first', { cause: reset }), named('second')] });
    const outer = named('outer', { cause: aggregate, original: named('original') });
    expect(names(causesOf(outer))).toEqual(['outer', 'aggregate', 'original', 'first', 'second', 'reset']);
  });

  it.each(['cause', 'original', 'originalError', 'driverError', 'nativeError', 'networkError'])(
    'are found in %s',
    (field) => {
      expect(names(causesOf(named('outer', { [field]: named('inner') })))).toEqual(['outer', 'inner']);
    },
  );

  it('come once each, although they lead back to where they began', () => {
    const a: Error = named('a');
    const b = named('b', { cause: a });
    a.cause = b;
    expect(names(causesOf(a))).toEqual(['a', 'b']);
  });

  it('end after 32, whether they are deep or many', () => {
    let deep = named('end');
    for (let i = 0; i < 100; i++) deep = named('link', { cause: deep });
    expect(causesOf(deep)).toHaveLength(32);
    const wide = named('wide', { errors: Array.from({ length: 100 }, () => named('one')) });
    expect(causesOf(wide)).toHaveLength(32);
  });

  it('are objects; what else stands there is left out', () => {
    expect(names(causesOf(named('a', { cause: 'text', original: null, errors: 'none' })))).toEqual(['a']);
  });
});
