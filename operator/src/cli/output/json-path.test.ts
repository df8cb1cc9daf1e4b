import { describe, expect, it } from '@jest/globals';
import { compileTemplate } from './json-path.ts';

const LIST = {
  items: [
    { name: 'pay', open: 2, labels: { 'app.kubernetes.io/name': 'shop' }, spec: { breakers: ['a', 'b'] } },
    { name: 'stock', open: 0, labels: {}, spec: { breakers: ['c'] } },
  ],
};

const rendered = (template: string) => compileTemplate(template)(LIST);

describe('a JSONPath template', () => {
  it.each([
    ['{.items[*].name}', 'pay stock'],
    ['.items[*].name', 'pay stock'],
    ['items[*].name', 'pay stock'],
    ['{$.items[0].open}', '2'],
    ['{.items[-1:].name}', 'stock'],
    ['{range .items[*]}{.name}{"\\t"}{.open}{"\\n"}{end}', 'pay\t2\nstock\t0\n'],
    ['{range .items[*]}{.name}: {range .spec.breakers[*]}<{@}>{end};{end}', 'pay: <a><b>;stock: <c>;'],
    ['{.items[?(@.open>0)].name}', 'pay'],
    ['{.items[?(@.name=="stock")].open}', '0'],
    ['{.items[0].spec}', '{"breakers":["a","b"]}'],
    ['{.items[0].labels.app\\.kubernetes\\.io/name}', 'shop'],
    ["{.items[0].labels['app.kubernetes.io/name']}", 'shop'],
    ['{.items[0].name} is open {.items[0].open} times', 'pay is open 2 times'],
    ['{.items[0].name .items[1].name}', 'paystock'],
    ['{.items[*].nothing}', ''],
    ['{..breakers}', '["a","b"] ["c"]'],
  ])('%s prints %j', (template, expected) => {
    expect(rendered(template)).toBe(expected);
  });

  it.each([
    ['', /is empty; give a path/],
    ['{.items[*].name', /has a brace or a quote without its counterpart/],
    ['{range .items[*]}{.name}', /has a \{range\} without its \{end\}/],
    ['{.name}{end}', /has an \{end\} without its \{range\}/],
    ['{"open}', /has a brace or a quote without its counterpart/],
  ])('%j is refused', (template, message) => {
    expect(() => compileTemplate(template)).toThrow(message);
  });

  it('runs no code of its filters', () => {
    expect(() => rendered('{.items[?(process.exit(3))].name}')).toThrow(/cannot be read/);
  });
});
