import { createHash } from 'node:crypto';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FakeTimers } from '../../test/fake-timers.ts';
import { LastGoodFile } from './last-good-file.ts';
import { lastGoodPath, readLastGood } from './local/last-good.ts';
import type { StoredSet } from './local/stored-set.ts';

import { readSettings } from './settings/settings.ts';

let root: string;
let path: string;
let warnings: string[];
let timers: FakeTimers;
const open = (at = path) => new LastGoodFile(at, timers, (message) => warnings.push(message));
const set = (revision: string, policies?: string): StoredSet => ({
  revision,
  asOf: policies ? { policies } : {},
  routes: [['payments', 'a']],
  policies: [{ uid: 'a', generation: 1, name: 'payments', spec: { breakers: ['payments'] } }],
  rejections: [],
});
async function keep(file: LastGoodFile, what: StoredSet, reset = false) {
  file.save(what, reset);
  await file.flush();
}

function replace(make: () => void) {
  rmSync(path);
  make();
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fuseboard-cache-'));
  path = join(root, 'set.json');
  warnings = [];
  timers = new FakeTimers();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('the last good file', () => {
  it('returns the stored set only to the same agent', async () => {
    await keep(open(), set('r1', '5'));
    expect(readLastGood(path)).toEqual({ set: set('r1', '5') });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(root)).toEqual(['set.json']);
  });

  it.each<[string, unknown]>([
    ['no set', null],
    ['a set without policies', { ...set('r1'), policies: undefined }],
    ['a policy that is none', { ...set('r1'), policies: [null] }],
    ['a route without a name', { ...set('r1'), routes: [[null, 'a']] }],
    ['a rejection that is none', { ...set('r1'), rejections: [null] }],
    ['a floor that is no number', { ...set('r1'), asOf: { policies: 'x' } }],
  ])('is not used when it holds %s, though its checksum is right', (_what, content) => {
    const body = JSON.stringify(content);
    writeFileSync(path, `fuseboard last-good 1 ${createHash('sha256').update(body).digest('hex')}\n${body}`);
    expect(readLastGood(path)).toEqual({ problem: expect.stringContaining('is damaged and is not used') });
  });

  it('waits until things are quiet and writes the newest only', async () => {
    const file = open();
    file.save(set('r1', '5'), false);
    timers.advance(200);
    file.save(set('r2', '6'), false);
    timers.advance(200);
    expect(readLastGood(path)).toEqual({});
    timers.advance(50);
    await file.flush();
    expect(readLastGood(path).set?.revision).toBe('r2');
  });

  it('never replaces a newer set of another process, but on a reset', async () => {
    await keep(open(), set('r9', '100'));
    await keep(open(), set('r8', '99'));
    expect(readLastGood(path).set?.revision).toBe('r9');
    await keep(open(), set('r1', '3'), true);
    expect(readLastGood(path).set?.revision).toBe('r1');
  });

  it.each([
    ['half-written', () => truncateSync(path, 100), /damaged/],
    ['changed', () => writeFileSync(path, readFileSync(path, 'utf8').replace('payments', 'Payments')), /damaged/],
    ['empty', () => truncateSync(path, 0), /damaged/],
    ['too large', () => truncateSync(path, 9 * 1024 * 1024), /larger than 8 MiB/],
    ['a folder', () => replace(() => mkdirSync(path)), /not a file/],
    ['a symbolic link', () => replace(() => symlinkSync('elsewhere', path)), /symbolic link/],
  ])('is refused when it is %s, and replaced', async (what, spoil, problem) => {
    await keep(open(), set('r1', '5'));
    spoil();
    expect(readLastGood(path)).toEqual({ problem: expect.stringMatching(problem) });
    if (what === 'a folder') return;
    await keep(open(), set('r2', '6'));
    expect(readLastGood(path).set?.revision).toBe('r2');
  });

  it('that is missing is nothing', () => {
    expect(readLastGood(path)).toEqual({});
  });

  it('that cannot be written is one warning and leaves nothing behind', async () => {
    mkdirSync(path);
    const file = open();
    await keep(file, set('r1', '5'));
    await keep(file, set('r2', '6'));
    expect(warnings).toEqual([expect.stringMatching(/cannot be saved/)]);
    expect(readdirSync(root)).toEqual(['set.json']);
  });

  it('makes its folder', async () => {
    const deep = join(root, 'a', 'b', 'set.json');
    await keep(open(deep), set('r1'));
    expect(readLastGood(deep).set?.revision).toBe('r1');
  });

  it('of another user is not used', async () => {
    await keep(open(), set('r1'));
    expect(readLastGood(path, process.getuid!() + 1).problem).toMatch(/another user/);
  });

  it('that everybody can write, or that has a second name, is not used, and is replaced', async () => {
    await keep(open(), set('r1'));
    chmodSync(path, 0o602);
    expect(readLastGood(path)).toEqual({ problem: `${path} can be written by everybody and is not used` });
    await keep(open(), set('r2'));
    expect(readLastGood(path).set?.revision).toBe('r2');
    linkSync(path, `${path}.second`);
    expect(readLastGood(path)).toEqual({ problem: `${path} has more than one name and is not used` });
    await keep(open(), set('r3'));
    expect(readLastGood(path).set?.revision).toBe('r3');
  });
});

describe('the name of the file', () => {
  const named = (url: string, namespace: string, service: string, labels: Record<string, string>) =>
    lastGoodPath(readSettings({ url, namespace, service, labels, cacheDir: '/cache' }, {}));

  it('differs by operator, namespace, service and labels, not by their order', () => {
    const names = [
      named('http://a', 'n', 's', { x: '1', y: '2' }),
      named('http://b', 'n', 's', { x: '1', y: '2' }),
      named('http://a', 'm', 's', { x: '1', y: '2' }),
      named('http://a', 'n', 't', { x: '1', y: '2' }),
      named('http://a', 'n', 's', { x: '1' }),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(named('http://a', 'n', 's', { y: '2', x: '1' })).toBe(names[0]);
  });
});
