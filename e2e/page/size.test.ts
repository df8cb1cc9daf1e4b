import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';

const WEB = fileURLToPath(new URL('../../operator/dist/web/', import.meta.url));

describe('the page as it is built', () => {
  const files = readdirSync(WEB, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'licences.txt')
    .map(({ parentPath, name }) => ({ name, bytes: readFileSync(join(parentPath, name)) }));
  const later = files.filter(({ name }) => name.startsWith('what-if-panel-'));

  const sizeOf = (some: typeof files) => some.reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);

  it('loads in less than 150 kB, and what it loads later is small', () => {
    const first = files.filter((file) => !later.includes(file));
    console.log(
      `the first load is ${(sizeOf(first) / 1e3).toFixed(1)} kB, ${(sizeOf(later) / 1e3).toFixed(1)} kB later`,
    );
    expect(later).toHaveLength(1);
    expect(sizeOf(later)).toBeLessThan(15_000);
    expect(sizeOf(first)).toBeLessThan(150_000);
  });

  it('names no other host that a browser would ask', () => {
    const hosts = files.flatMap(({ bytes }) => bytes.toString('utf8').match(/https?:\/\/[\w.-]+/g) ?? []);
    expect([...new Set(hosts)].filter((host) => host !== 'http://www.w3.org')).toEqual([]);
  });

  it('has one type scale', () => {
    const css = readFileSync(fileURLToPath(new URL('../../operator/web/src/page.css', import.meta.url)), 'utf8');
    const sizes = [...css.matchAll(/font(?:-size)?:\s*([^;]+);/g)].map(([, size]) => size!.split(/[\s/]/)[0]);
    const allowed = ['--small', '--normal', '--large', '--huge', '--wall'].map((name) => `var(${name})`);
    expect(sizes.filter((size) => ![...allowed, 'inherit'].includes(size!))).toEqual([]);
  });

  it('carries the licences of what went in', () => {
    const text = readFileSync(join(WEB, 'licences.txt'), 'utf8');
    for (const name of ['preact', '@preact/signals', 'uplot']) expect(text).toContain(`${name}\n`);
    expect(text.match(/MIT License/g)!.length).toBeGreaterThanOrEqual(3);
  });
});
