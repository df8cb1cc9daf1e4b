import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { RotatingGzipFile } from './rotating-gzip-file.ts';

describe('a rotating file', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'fuseboard-recording-'));
    path = join(folder, 'calls.gz');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const text = (name: string) => gunzipSync(readFileSync(join(folder, name))).toString('utf8');
  /** Compressed, it has more than 500 bytes. */
  const block = (n: number) =>
    `${n} ${Array.from({ length: 400 }, (_, at) => ((at * 2_654_435_761 * (n + 1)) >>> 0).toString(36)).join('')}\n`;

  it('holds all blocks, readable at any time, and continues where the last process ended', async () => {
    await new RotatingGzipFile({ path, maxBytes: 1e6, files: 2 }).write('a\n');
    expect(text('calls.gz')).toBe('a\n');
    const next = new RotatingGzipFile({ path, maxBytes: 1e6, files: 2 });
    await next.write('b\n');
    next.writeSync('c\n');
    expect(text('calls.gz')).toBe('a\nb\nc\n');
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it('takes no more of the disk than its files may hold together', async () => {
    const file = new RotatingGzipFile({ path, maxBytes: 5000, files: 3 });
    for (let n = 0; n < 30; n++) {
      await file.write(block(n));
      const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
      expect(sizes.length).toBeLessThanOrEqual(3);
      expect(Math.max(...sizes)).toBeLessThanOrEqual(5000);
    }
    expect(readdirSync(folder).sort()).toEqual(['calls.gz', 'calls.gz.1', 'calls.gz.2']);
    const kept = ['calls.gz.2', 'calls.gz.1', 'calls.gz']
      .flatMap((name) =>
        text(name)
          .split('\n')
          .filter((line) => line !== ''),
      )
      .map((line) => Number(line.split(' ')[0]));
    expect(kept).toEqual(Array.from({ length: kept.length }, (_, at) => 30 - kept.length + at));
  });

  it('is one file when it may be one', async () => {
    const file = new RotatingGzipFile({ path, maxBytes: 3000, files: 1 });
    for (let n = 0; n < 10; n++) await file.write(block(n));
    expect(readdirSync(folder)).toEqual(['calls.gz']);
    expect(text('calls.gz')).toContain('9 ');
  });

  it('leaves out at the end of a process what would exceed its bound', async () => {
    writeFileSync(path, Buffer.alloc(4990));
    new RotatingGzipFile({ path, maxBytes: 5000, files: 2 }).writeSync(block(1));
    expect(statSync(path).size).toBe(4990);
  });

  it('makes its folder, and rejects when it cannot', async () => {
    await new RotatingGzipFile({ path: join(folder, 'a/b/calls.gz'), maxBytes: 5000, files: 2 }).write('a\n');
    expect(text('a/b/calls.gz')).toBe('a\n');
    const inFile = new RotatingGzipFile({ path: join(path, 'calls.gz'), maxBytes: 5000, files: 2 });
    writeFileSync(path, '');
    chmodSync(path, 0o600);
    await expect(inFile.write('a\n')).rejects.toThrow(/ENOTDIR|EEXIST/);
  });
});
