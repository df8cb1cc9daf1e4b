import { execFileSync } from 'node:child_process';
import { chmodSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type BoundedFileOptions, readBoundedFile, readBoundedFileSync } from './bounded-file.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'bounded-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const path = (name = 'f') => join(folder, name);

const READERS = [
  ['readBoundedFile', async (options: BoundedFileOptions) => (await readBoundedFile(path(), options)).toString()],
  ['readBoundedFileSync', async (options: BoundedFileOptions) => readBoundedFileSync(path(), options).toString()],
] as const;

describe.each(READERS)('%s', (_name, read) => {
  it('reads a regular file, through a link where its writer is trusted', async () => {
    writeFileSync(path('real'), 'text', { mode: 0o600 });
    symlinkSync('real', path());
    expect(await read({ within: folder })).toBe('text');
    expect(await read({ trust: 'secret' })).toBe('text');
    await expect(read({ trust: 'own' })).rejects.toThrow('ELOOP');
  });

  it('waits for no writer of a FIFO', async () => {
    execFileSync('mkfifo', [path()]);
    await expect(read({})).rejects.toThrow('is a FIFO; only a regular file is read');
  });

  it.each(['/dev/zero', '/dev/urandom'])('does not read %s', async (device) => {
    symlinkSync(device, path());
    await expect(read({})).rejects.toThrow('is a device; only a regular file is read');
  });

  it('does not read a folder, nor what is not there', async () => {
    await expect(read({})).rejects.toMatchObject({ code: 'ENOENT' });
    mkdirSync(path());
    await expect(read({})).rejects.toThrow('is a folder');
  });

  it('does not read a file beyond its bound, though it takes no room on the disk', async () => {
    writeFileSync(path(), '');
    truncateSync(path(), 20e9);
    await expect(read({ maxBytes: 1_000 })).rejects.toThrow('has 20000000000 bytes; the limit is 1000');
  });

  it('stops at a file that has more than it says', async () => {
    symlinkSync('/proc/self/status', path());
    await expect(read({})).rejects.toThrow('grew while it was read');
  });

  it('follows no link out of a folder', async () => {
    symlinkSync('/etc/passwd', path());
    await expect(read({ within: folder })).rejects.toThrow('is a link to /etc/passwd, outside of');
  });

  it('trusts no secret that everybody can write', async () => {
    writeFileSync(path(), 'text');
    chmodSync(path(), 0o602);
    expect(await read({})).toBe('text');
    await expect(read({ trust: 'secret' })).rejects.toThrow('can be written by everybody');
  });

  it('takes for its own only a file with one name that its group cannot write', async () => {
    writeFileSync(path(), 'text', { mode: 0o600 });
    expect(await read({ trust: 'own' })).toBe('text');
    linkSync(path(), path('other'));
    await expect(read({ trust: 'own' })).rejects.toThrow('has 2 hard links');
    rmSync(path('other'));
    chmodSync(path(), 0o620);
    await expect(read({ trust: 'own' })).rejects.toThrow('can be written by its group');
  });
});
