import { expect, it } from '@jest/globals';
import { proxyOf } from './proxy.ts';

const PROXY = 'http://proxy.example:3128';

it.each<[string, string, string | undefined, string | undefined]>([
  ['an API server', 'https://api.example:6443', undefined, PROXY],
  ['one of loopback', 'https://127.0.0.1:6443', undefined, undefined],
  ['one of loopback in IPv6', 'https://[::1]:6443', undefined, undefined],
  ['one without TLS', 'http://api.example', undefined, undefined],
  ['a name that is listed', 'https://api.example:6443', 'other, api.example', undefined],
  ['a name under one that is listed', 'https://api.example', 'example', undefined],
  ['a name under one that is listed with a dot', 'https://api.example', '.example', undefined],
  ['the name itself that is listed with a dot', 'https://api.example', '.api.example', PROXY],
  ['a name that only ends so', 'https://notapi.example', 'api.example', PROXY],
  ['a port that is not listed', 'https://api.example:6443', 'api.example:443', PROXY],
  ['an address in a network that is listed', 'https://10.1.2.3', '10.0.0.0/8', undefined],
  ['an address outside of it', 'https://11.1.2.3', '10.0.0.0/8', PROXY],
  ['an address of IPv6 in a network', 'https://[fd00::5]:6443', 'fd00::/8', undefined],
  ['an address that is listed', 'https://10.1.2.3', '10.1.2.3', undefined],
  ['a network that is none', 'https://10.1.2.3', '10.0.0.0/99', PROXY],
  ['anything, where all is listed', 'https://api.example', '*', undefined],
])('the proxy of %s', (_what, url, NO_PROXY, proxy) => {
  expect(proxyOf(url, { HTTPS_PROXY: PROXY, NO_PROXY })).toBe(proxy);
});

it('is none where the environment names none, and http where it names no scheme', () => {
  expect(proxyOf('https://api.example', {})).toBeUndefined();
  expect(proxyOf('https://api.example', { https_proxy: 'proxy.example:3128' })).toBe(PROXY);
});
