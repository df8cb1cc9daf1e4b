import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readSettings } from './settings.ts';

const root = mkdtempSync(join(tmpdir(), 'fuseboard-settings-'));
const mounts = { operator: join(root, 'operator'), account: join(root, 'account'), cache: join(root, 'cache') };
const none = { operator: join(root, 'no'), account: join(root, 'no'), cache: join(root, 'no') };

beforeAll(() => {
  for (const folder of Object.values(mounts)) mkdirSync(folder);
  writeFileSync(join(mounts.operator, 'url'), 'https://fuseboard.system:8443\n');
  writeFileSync(join(mounts.operator, 'token'), 'secret');
  writeFileSync(join(mounts.operator, 'ca.crt'), 'certificate');
  writeFileSync(join(mounts.account, 'namespace'), 'shop');
});
afterAll(() => rmSync(root, { recursive: true }));

describe('settings', () => {
  it('need nothing but what the chart mounts', () => {
    expect(readSettings({}, { FUSEBOARD_SERVICE: 'checkout' }, mounts)).toMatchObject({
      disabled: false,
      url: new URL('https://fuseboard.system:8443/'),
      service: 'checkout',
      namespace: 'shop',
      tokenFile: join(mounts.operator, 'token'),
      caFile: join(mounts.operator, 'ca.crt'),
      cacheDir: mounts.cache,
      problems: [],
    });
  });

  it('take options before the environment before the mounts', () => {
    const env = { FUSEBOARD_URL: 'http://env:1', FUSEBOARD_NAMESPACE: 'env', FUSEBOARD_CACHE_DIR: '/env' };
    const settings = readSettings({ url: 'http://option:1', service: 's' }, env, mounts);
    expect(settings.url?.hostname).toBe('option');
    expect(settings).toMatchObject({ namespace: 'env', cacheDir: '/env' });
  });

  it('leave the link out where nothing names an operator', () => {
    const settings = readSettings({}, {}, none);
    expect(settings.url).toBeUndefined();
    expect(settings.problems).toEqual([]);
    expect(settings.cacheDir).toBeUndefined();
  });

  it.each(['nonsense', 'ftp://host', 'localhost:8700', 'http://user:word@host'])(
    'refuse the URL %s and say so',
    (url) => {
      const settings = readSettings({}, { FUSEBOARD_URL: url }, mounts);
      expect(settings.url).toBeUndefined();
      expect(settings.problems).toEqual([expect.stringContaining(`FUSEBOARD_URL is "${url}"`)]);
    },
  );

  it('keep a path in front and drop the rest of a URL', () => {
    expect(readSettings({ url: 'http://host:1/prefix?a=b#c' }, {}, none).url?.href).toBe('http://host:1/prefix/');
  });

  it('read labels, and name the one that is none', () => {
    const settings = readSettings({}, { FUSEBOARD_LABELS: 'app=checkout, tier = web,nothing' }, none);
    expect(settings.labels).toEqual({ app: 'checkout', tier: 'web' });
    expect(settings.problems).toEqual([expect.stringContaining('"nothing"')]);
  });

  it.each([
    [{ FUSEBOARD_SERVICE: 'a', OTEL_SERVICE_NAME: 'b' }, 'a'],
    [{ OTEL_SERVICE_NAME: 'b' }, 'b'],
  ])('name the service by the environment: %o', (env, service) => {
    expect(readSettings({}, env, none).service).toBe(service);
  });

  it.each([
    [{ FUSEBOARD_POLICIES_FILE: 'a.json', FUSEBOARD_POLICIES: 'b.json' }, 'a.json'],
    [{ FUSEBOARD_POLICIES_FILE: '', FUSEBOARD_POLICIES: 'b.json' }, 'b.json'],
  ])('name the file of policies by the environment: %o', (env, policies) => {
    expect(readSettings({}, env, none).policies).toBe(policies);
    expect(readSettings({ policies: 'option.json' }, env, none).policies).toBe('option.json');
  });

  it.each([
    ['1', true],
    ['true', true],
    ['0', false],
    ['', false],
  ])('are disabled by FUSEBOARD_DISABLED=%s: %s', (text, disabled) => {
    expect(readSettings({}, { FUSEBOARD_DISABLED: text }, none).disabled).toBe(disabled);
  });
});
