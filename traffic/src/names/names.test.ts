import { describe, expect, it } from '@jest/globals';
import { isAddress, redacted } from './address.ts';
import { errorKind } from './error-kind.ts';
import { NameTable, OTHER } from './name-table.ts';
import { pathTemplate } from './path-template.ts';

describe('a path', () => {
  it.each([
    ['/orders/88123?voucher=X#top', '/orders/:id'],
    ['https://shop.example:443/orders/5b8efff7-9803-4103-8d26-9b633813fc60/lines/2', '/orders/:id/lines/:id'],
    ['/users/alice/orders', '/users/:id/orders'],
    ['/users/me', '/users/me'],
    ['/u/bob', '/u/:id'],
    ['/invite/alice@mail.example', '/invite/:id'],
    ['/invite/alice%40mail.example', '/invite/:id'],
    ['/api/v2/search', '/api/v2/search'],
    ['/reset/eyJhbGciOiJIUzI1NiJ9eyJzdWIi', '/reset/:id'],
    ['/static/app.3f9c2b1a.js', '/static/:id'],
    ['/payment.Service/Charge', '/payment.Service/Charge'],
    ['/a/b/c/d/e/f/g/h/i/j', '/a/b/c/d/e/f/g/h/…'],
    ['/', '/'],
    ['/login;jsessionid=ABC', '/login'],
  ])('%s is kept as %s', (url, template) => {
    expect(pathTemplate(url)).toBe(template);
  });
});

describe('names', () => {
  it.each(['10.0.3.17', '10.0.3.17:8080', '[2001:db8::1]:80', 'fe80::1', 'ip-10-0-3-17.eu-west-1.internal'])(
    '%s is an address',
    (name) => {
      expect(isAddress(name)).toBe(true);
    },
  );

  it.each(['orders', 'orders:8080', 'checkout-7d9f-abcde', 'v1.2.3', 'outbound|8080||orders.shop', '10:20:30'])(
    '%s is none',
    (name) => {
      expect(isAddress(name)).toBe(false);
    },
  );

  it('of addresses are numbers that stay, and too many are counted together', () => {
    const table = new NameTable('instance', 3);
    expect(['10.0.0.1', 'a', '10.0.0.2', '10.0.0.1', 'b', 'a'].map((name) => table.keep(name))).toEqual([
      'instance-1',
      'a',
      'instance-2',
      'instance-1',
      OTHER,
      'a',
    ]);
    expect([table.overflowed, table.hidAddresses]).toEqual([true, true]);
  });
});

describe('an error', () => {
  it.each([
    ['timeout', 'timeout'],
    ['connect ECONNREFUSED 10.0.0.1:80', 'ECONNREFUSED'],
    ['java.net.SocketTimeoutException', 'java.net.SocketTimeoutException'],
    ['TypeError: user alice@mail.example has no card', 'TypeError'],
    ['card 4111111111111111 refused', 'error'],
    ['Connection reset by peer', 'Connection reset by peer'],
    ['alice not found', 'error'],
    ['NotFoundError for alice', 'NotFoundError'],
  ])('%s is kept as %s', (text, kind) => {
    expect(errorKind(text)).toBe(kind);
  });
});

describe('a line that is shown', () => {
  it('has no query, address, user or token, and is short', () => {
    const line =
      '203.0.113.9 - alice [01/May/2024:10:00:02 +0000] "GET /a?card=4111 HTTP/1.1" from bob@mail.example 2001:db8::1 token=s3cret 5b8efff798038103d269b633813fc60c55aa';
    const shown = redacted(line);
    for (const secret of ['203.0', 'alice', '4111', 'bob', '2001:db8', 's3cret', '5b8efff'])
      expect(shown).not.toContain(secret);
    expect(shown).toContain('[01/May/2024:10:00:02 +0000] "GET /a?… HTTP/1.1"');
    expect(redacted('x y '.repeat(1000)).length).toBeLessThan(170);
  });

  it('gives a terminal nothing to execute', () => {
    expect(redacted('a\u001b[31mb\u0007')).toBe('a [31mb ');
  });
});
