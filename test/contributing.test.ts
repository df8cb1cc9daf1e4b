import { existsSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { ROOT, read } from './repository.ts';
import { FLOORS } from './rooms.ts';

const text = read('CONTRIBUTING.md');
const recipes = text
  .slice(text.indexOf('## Recipes'), text.indexOf('## Tests'))
  .split(/^### /m)
  .slice(1)
  .map((recipe): [string, string[], string] => [recipe.slice(0, recipe.indexOf('\n')), paths(recipe), recipe]);

/** What is written as code and looks like a path from the root of the repository. */
function paths(markdown: string): string[] {
  return [...markdown.matchAll(/`([\w.-]+(?:\/[\w.-]*)+)`/g)].map(([, path]) => path!);
}

describe('the recipes for contributors', () => {
  it('are those that a maintainer needs most', () => {
    expect(recipes.map(([title]) => title)).toEqual([
      'A field of the policy',
      'A trip condition',
      'A field of the wire or of a report',
      'A change of the state machine',
      'An adapter',
      'A command',
      'An endpoint of the admin API',
      'A condition of the status',
      'A flag of serve',
      'A metric',
    ]);
  });

  it.each(recipes)('%s names files that exist', (_title, files) => {
    expect(files.length).toBeGreaterThan(3);
    expect(files.filter((file) => !existsSync(ROOT + file))).toEqual([]);
  });

  it.each(recipes)('%s names each file by its path from the root', (_title, _files, recipe) => {
    const bare = [...recipe.matchAll(/`([\w-]+\.(?:ts|tsx|py|md|yaml|json))`/g)].map(([, name]) => name!);
    expect(bare.filter((name) => !existsSync(ROOT + name))).toEqual([]);
  });

  it('have a layout whose folders exist', () => {
    const layout = text.slice(text.indexOf('## Layout'), text.indexOf('## Recipes'));
    const folders = [...layout.matchAll(/^\| `([^`]+)\/`/gm)].map(([, folder]) => folder!);
    expect(folders.length).toBeGreaterThan(15);
    expect(folders.filter((folder) => !existsSync(ROOT + folder))).toEqual([]);
  });
});

describe('the walks through the code', () => {
  const rows = [...read('docs/reading-the-code.md').matchAll(/^\| \[[^\]]+\]\(\.\.\/([^)]+)\) \| ([^|]+) \|/gm)];
  const steps = rows.flatMap(([, path, functions]) =>
    [...functions!.matchAll(/`([^`]+)`/g)].map(([, name]): [string, string] => [name!, path!]),
  );

  it('name the functions of each step', () => {
    expect(rows.length).toBeGreaterThan(30);
    expect(steps.length).toBeGreaterThan(rows.length);
  });

  it.each(steps)('find %s in %s', (name, path) => {
    const inPython = `^( {4})?(async )?def ${name}\\(`;
    const inTypeScript = `^(export |  )?(async |private )*(function )?${name}(<[^(]*>)?\\(`;
    expect(read(path)).toMatch(new RegExp(path.endsWith('.py') ? inPython : inTypeScript, 'm'));
  });
});

describe('the architecture', () => {
  it.each(FLOORS)('has the table of which folder in $root may import which', ({ root, floors }) => {
    const rows = floors.map((rooms, row) => `| ${row + 1} | ${rooms.map((room) => `\`${room}\``).join(', ')} |\n`);
    expect(read('docs/architecture.md')).toContain(`| row | \`${root}\` |\n|---:|---|\n${rows.join('')}\n`);
  });
});
