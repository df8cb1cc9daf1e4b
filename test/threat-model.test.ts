import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { ROOT } from './repository.ts';
import { titlesOf } from './titles.ts';

const page = readFileSync(join(ROOT, 'docs/threat-model.md'), 'utf8');
const threats = page.slice(page.indexOf('\n## Threats'), page.indexOf('\n## Tests against'));
const lines = threats.split('\n').filter((line) => line.startsWith('|'));
const tables = lines.filter((line) => line.startsWith('|-'));
const rows = lines.filter((line) => !/^\|(-| threat )/.test(line)).map((line) => line.split('|').slice(1, -1));

const SCENARIO = /^crds\/schema\/(scenarios|conversations)\/.+\.yaml$/;

/** The titles of a test file, or that of a scenario or a conversation, which the tests of both agents replay. */
function titlesAt(path: string): string[] {
  if (!existsSync(join(ROOT, path))) return [];
  const text = readFileSync(join(ROOT, path), 'utf8');
  if (SCENARIO.test(path)) return [(parse(text) as { title: string }).title];
  return path.endsWith('.test.ts') ? titlesOf(text) : [];
}

it('is a table of threats for each boundary, with four columns in each row', () => {
  expect(tables.length).toBeGreaterThanOrEqual(6);
  expect(rows.length).toBeGreaterThan(50);
  expect(rows.filter((cells) => cells.length !== 4)).toEqual([]);
});

it.each(rows)('names a test that runs, by its title: %s', (_threat, _kind, _stop, shown) => {
  const named = shown!.trim().split(/(?<="), (?=`)/);
  const wrong = named.filter((one) => {
    const [, path, title] = /^`([^`]+)` "([^"]+)"$/.exec(one) ?? [];
    return path === undefined || !titlesAt(path).some((known) => known.includes(title!));
  });
  expect(wrong).toEqual([]);
});

it('gives each threat a kind', () => {
  for (const [, kind] of rows) expect(kind!.trim()).toMatch(/^[STRIDE](, [STRIDE])*$/);
});

it('takes for a title what a test is called, and nothing else', () => {
  const [skip, todo] = ['skip', 'todo'];
  const source = `
    // it('in a comment', () => {});
    describe('a group', () => {
      it('a test', () => { expect('a value').toBe('a value'); });
      it.each([['a row']])('a test of %s', () => {});
      it.each<[string]>(ROWS)(\`a test of \${1} rows\`, () => {});
      it.${skip}('a test that does not run', () => {});
      it.${todo}('a test that is not there');
      it.${skip}.each([1])('rows that do not run', () => {});
    });
    describe.${skip}('a group that does not run', () => { it('a test in it', () => {}); });
    helper.it('another function', () => {});
  `;
  expect(titlesOf(source)).toEqual(['a group', 'a test', 'a test of %s', 'a test of %s rows']);
});
