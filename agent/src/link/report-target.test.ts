import { expect, it } from '@jest/globals';
import { reportTarget } from './report-target.ts';

it.each([
  ['nothing said', 'https://fuseboard:8443/', undefined, 'https://fuseboard:8443/v1/report'],
  [
    'TLS to the replica',
    'https://fuseboard:8443/',
    'https://10.1.2.3:8443/v1/report',
    'https://10.1.2.3:8443/v1/report',
  ],
  ['plain text after TLS', 'https://fuseboard:8443/', 'http://fuseboard:8443/r', 'https://fuseboard:8443/v1/report'],
  ['plain text to the same host', 'http://127.0.0.1:8700/', 'http://127.0.0.1:9000/r', 'http://127.0.0.1:9000/r'],
  ['plain text to another host', 'http://127.0.0.1:8700/', 'http://10.1.2.3:8700/r', 'http://127.0.0.1:8700/v1/report'],
  ['a URL with a password', 'https://fuseboard:8443/', 'https://a:b@evil/r', 'https://fuseboard:8443/v1/report'],
  ['another scheme', 'http://127.0.0.1:8700/', 'file:///etc/passwd', 'http://127.0.0.1:8700/v1/report'],
  ['no URL', 'http://127.0.0.1:8700/', 'nonsense', 'http://127.0.0.1:8700/v1/report'],
  ['a path before ours', 'http://127.0.0.1:8700/fuseboard/', undefined, 'http://127.0.0.1:8700/fuseboard/v1/report'],
])('reports go where the token may go: %s', (_what, connectedTo, reportUrl, target) => {
  expect(reportTarget(new URL(connectedTo), reportUrl).href).toBe(target);
});

it('reports say the namespace where one is set', () => {
  const target = reportTarget(new URL('http://127.0.0.1:8700/'), 'http://127.0.0.1:9/r?a=b', 'shop');
  expect(target.href).toBe('http://127.0.0.1:9/r?a=b&namespace=shop');
});
