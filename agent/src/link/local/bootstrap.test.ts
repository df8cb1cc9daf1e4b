import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { type PolicyResource, readBootstrap, routesOf } from './bootstrap.ts';

const root = mkdtempSync(join(tmpdir(), 'fuseboard-bootstrap-'));
afterAll(() => rmSync(root, { recursive: true }));

const written = (content: unknown) => {
  const path = join(root, 'policies.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
};
const policy = (
  name: string,
  breakers: string[],
  more: { created?: string; selector?: object; namespace?: string } = {},
) =>
  ({
    metadata: { name, uid: name, namespace: more.namespace, creationTimestamp: more.created },
    spec: { breakers, selector: more.selector },
  }) as PolicyResource;
const agent = { namespace: 'shop', labels: { app: 'checkout' } };
const selected = (selector: object) =>
  readBootstrap(written(policy('p', ['*'], { selector })), agent).set?.policies.length === 1;

describe('the route of a name', () => {
  it.each([
    [
      'a selector before none',
      [policy('a', ['pay']), policy('b', ['*'], { selector: { matchLabels: { app: 'x' } } })],
      'b',
    ],
    ['an exact name before a prefix', [policy('a', ['pay*']), policy('b', ['pay'])], 'b'],
    ['a longer prefix before a shorter', [policy('a', ['*']), policy('b', ['pa*'])], 'b'],
    [
      'the older before the younger',
      [
        policy('a', ['pay'], { created: '2026-02-01T00:00:00Z' }),
        policy('b', ['pay'], { created: '2026-01-01T00:00:00Z' }),
      ],
      'b',
    ],
    ['then by name', [policy('b', ['pay']), policy('a', ['pay'])], 'a'],
    ['an empty selector like none', [policy('b', ['pay'], { selector: {} }), policy('a', ['pay'])], 'a'],
  ])('puts %s', (_rule, policies, first) => {
    expect(routesOf(policies)[0]?.[1]).toBe(first);
  });

  it('is decided name by name, not policy by policy', () => {
    expect(routesOf([policy('p1', ['payments', 'partner-*']), policy('p2', ['partner-x', 'pay*'])])).toEqual([
      ['payments', 'p1'],
      ['partner-x', 'p2'],
      ['partner-*', 'p1'],
      ['pay*', 'p2'],
    ]);
  });
});

describe('the bootstrap file', () => {
  it.each([
    ['a list', [policy('p', ['a'])]],
    ['what kubectl prints', { kind: 'List', items: [policy('p', ['a'])] }],
    ['one policy', policy('p', ['a'])],
  ])('may be %s', (_what, content) => {
    expect(readBootstrap(written(content), agent)).toMatchObject({ set: { routes: [['a', 'p']], asOf: {} } });
  });

  it.each([
    ['is not JSON', '{ half', /cannot be read/],
    ['holds something else', [policy('p', ['a']), { kind: 'Service' }], /item 1 is no policy/],
    ['holds a list of nothing', [null], /item 0/],
    ['has no metadata', [{ metadata: null, spec: null }], /item 0/],
    [
      'has a selector that is none',
      [{ ...policy('p', ['a']), spec: { breakers: ['a'], selector: { matchExpressions: 1 } } }],
      /item 0/,
    ],
    ...[{ creationTimestamp: { toString: 1 } }, { uid: 1 }, { namespace: [] }, { generation: '1' }].map(
      (metadata) =>
        [
          `has another ${Object.keys(metadata)[0]}`,
          { ...policy('p', ['a']), metadata: { name: 'p', ...metadata } },
          /item 0/,
        ] as const,
    ),
  ])('that %s is a problem, not an error', (_what, content, problem) => {
    expect(readBootstrap(written(content), agent)).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('that is missing is a problem', () => {
    expect(readBootstrap(join(root, 'none'), agent).problem).toMatch(/none/);
  });

  it('leaves out what is for another namespace', () => {
    const content = [policy('a', ['a'], { namespace: 'shop' }), policy('b', ['b'], { namespace: 'else' })];
    expect(readBootstrap(written(content), agent).set?.routes).toEqual([['a', 'a']]);
  });

  it.each([
    [{ matchLabels: { app: 'checkout' } }, true],
    [{ matchLabels: { app: 'other' } }, false],
    [{ matchExpressions: [{ key: 'app', operator: 'In', values: ['checkout'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['checkout'] }] }, false],
    [{ matchExpressions: [{ key: 'tier', operator: 'NotIn', values: ['web'] }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'app', operator: 'DoesNotExist' }] }, false],
  ])('selects by labels: %j %s', (selector, holds) => {
    expect(selected(selector)).toBe(holds);
  });
});
