import { describe, expect, it } from '@jest/globals';
import { linkFor, policyLinks } from './links.ts';

describe('the links of a policy', () => {
  it('have the breaker and its namespace, escaped, in place of their names in braces', () => {
    const row = { breaker: 'pay/ments&x', namespace: 'shop' };
    expect(linkFor('https://logs.test/{namespace}?q={breaker}', row)).toBe('https://logs.test/shop?q=pay%2Fments%26x');
  });

  it('are its annotations with http and https URLs', () => {
    const annotations = {
      'fuseboard.dev/runbook': 'https://wiki.test/payments?step=1#first',
      'fuseboard.dev/logs': 'http://logs.test/?q=payments',
      'fuseboard.dev/other': 'https://elsewhere.test',
    };
    expect(policyLinks(annotations)).toEqual([
      { kind: 'logs', url: 'http://logs.test/?q=payments' },
      { kind: 'runbook', url: 'https://wiki.test/payments?step=1#first' },
    ]);
    expect([policyLinks(undefined), policyLinks(null), policyLinks('text')]).toEqual([[], [], []]);
  });

  it.each([
    'javascript:alert(1)',
    ' javascript:alert(1)',
    'java\nscript:alert(1)',
    'data:text/html,x',
    'file:///etc/passwd',
    '//elsewhere.test/',
    '/relative',
    'https://user:secret@wiki.test/',
    `https://wiki.test/${'x'.repeat(2_048)}`,
    '',
    7,
  ])('have no URL for %j', (value) => {
    expect(policyLinks({ 'fuseboard.dev/runbook': value })).toEqual([{ kind: 'runbook' }]);
  });
});
