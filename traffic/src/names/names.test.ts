import { describe, expect, it } from '@jest/globals';
import { isAddress } from './address.ts';
import { errorKind } from './error-kind.ts';
import { NameTable, OTHER } from './name-table.ts';
import { pathTemplate } from './path-template.ts';
import { causeOf, shapeOf } from './shape.ts';

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
    ['alice', 'error'],
    ['SECRETWORD', 'error'],
    ['com.alice.Smith', 'error'],
    ['UND_ERR_SOCKET', 'UND_ERR_SOCKET'],
    ['EPIPE', 'EPIPE'],
    ['UNAVAILABLE', 'UNAVAILABLE'],
    ['not_ready', 'not_ready'],
    ['precondition', 'precondition'],
    ['DeadlineExceeded', 'DeadlineExceeded'],
    ['ReadTimeout', 'ReadTimeout'],
    ['UF', 'UF'],
    ['1050', '1050'],
    ['NotFoundError for alice', 'NotFoundError'],
  ])('%s is kept as %s', (text, kind) => {
    expect(errorKind(text)).toBe(kind);
  });
});

describe('the cause of a line that cannot be read', () => {
  it.each([
    ['SECRETLINE', /its marks are a$/],
    [
      '203.0.113.9 - alice [01/May/2024:10:00:02 +0000] "GET /a?card=4111 HTTP/1.1" 2001:db8::1',
      /9\.9\.9\.9 - a \[9\/a\/9:9/,
    ],
    ['Zoë says {"carol": 1}', /its marks are a a \{"a": 9\}$/],
    ['{"carol": 1}', /it is JSON without the fields/],
    ['{"carol": "s3cr', /begins like JSON and is none/],
    ['  ', /it is blank/],
  ])('%s is told without a word of it', (line, cause) => {
    expect(causeOf(line)).toMatch(cause);
    expect(causeOf(line)).not.toMatch(/SECRET|203|alice|4111|db8|Zo|carol|s3cr/);
  });

  it('is short, and gives a terminal nothing to execute', () => {
    expect(shapeOf('x y '.repeat(1000)).length).toBeLessThan(110);
    expect(shapeOf('a\u001b[31mb\u0007')).toBe('a[a');
  });
});
