import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { wantsLink } from './configured.ts';

const nowhere = { operator: '/nowhere', account: '/nowhere', cache: '/nowhere' };

describe('a link is wanted', () => {
  it.each([
    ['no', {}, {}, false],
    ['no, for a cache alone has nothing to keep', { cacheDir: '/tmp' }, { FUSEBOARD_CACHE_DIR: '/tmp' }, false],
    ['no, for an empty variable names nothing', {}, { FUSEBOARD_URL: '' }, false],
    ['for an operator in the options', { url: 'http://127.0.0.1' }, {}, true],
    ['for an operator in the environment', {}, { FUSEBOARD_URL: 'http://127.0.0.1' }, true],
    ['for policies in the options', { policies: 'p.json' }, {}, true],
    ['for policies in the environment', {}, { FUSEBOARD_POLICIES: 'p.json' }, true],
    ['to say what is wrong with labels', {}, { FUSEBOARD_LABELS: 'app' }, true],
  ])('%s', (_title, options, env, wanted) => {
    expect(wantsLink(options, env, nowhere)).toBe(wanted);
  });

  it('for an operator that the chart mounted', () => {
    const operator = mkdtempSync(join(tmpdir(), 'fuseboard-mount-'));
    expect(wantsLink({}, {}, { ...nowhere, operator })).toBe(false);
    writeFileSync(join(operator, 'url'), 'http://127.0.0.1');
    expect(wantsLink({}, {}, { ...nowhere, operator })).toBe(true);
    rmSync(operator, { recursive: true });
  });
});
