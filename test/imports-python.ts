import { posix } from 'node:path';

/** One import of a module of the package by another. */
export interface PythonImport {
  /** As it is written: `..core.text`. */
  readonly specifier: string;
  /** The file that it loads, as a path from the root of the repository. */
  readonly target: string;
  /** Whether only a type checker reads it. */
  readonly typeOnly: boolean;
  /** Whether it is loaded when a function runs, not with the file. */
  readonly lazy: boolean;
}

const PACKAGE = 'agent-python/src/fuseboard';
const STRINGS = /"""[\s\S]*?"""/g;
const FROM = /^([ \t]*)from[ \t]+(\.+[\w.]*|fuseboard[\w.]*)[ \t]+import[ \t]+(\([^)]*\)|[^\n]*)/gm;
const IMPORT = /^([ \t]*)import[ \t]+(fuseboard[\w.]*)/gm;

/**
 * The imports of a source of the Python agent from its own package.
 *
 * @param has whether a file exists, which tells a module from a name in a module.
 */
export function pythonImports(path: string, source: string, has: (path: string) => boolean): PythonImport[] {
  const text = source.replaceAll(STRINGS, '""');
  const found: PythonImport[] = [];
  const add = (at: number, indent: string, specifier: string, names: readonly string[]) => {
    const typeOnly = indent !== '' && isForTypes(text.slice(0, at), indent);
    const lazy = indent !== '' && !typeOnly;
    const base = baseOf(path, specifier);
    const targets = names.map((name) => (has(`${base}/${name}.py`) ? `${base}/${name}.py` : moduleAt(base, has)));
    for (const target of new Set(targets)) found.push({ specifier, target, typeOnly, lazy });
  };
  for (const { index, 1: indent, 2: specifier, 3: names } of text.matchAll(FROM)) {
    add(index, indent!, specifier!, namesOf(names!));
  }
  for (const { index, 1: indent, 2: specifier } of text.matchAll(IMPORT)) add(index, indent!, specifier!, ['']);
  return found;
}

function baseOf(path: string, specifier: string): string {
  const dots = /^\.*/.exec(specifier)![0].length;
  if (dots === 0) return posix.join(PACKAGE, ...specifier.split('.').slice(1));
  const folder = posix.join(posix.dirname(path), ...Array.from({ length: dots - 1 }, () => '..'));
  return posix.join(folder, ...specifier.slice(dots).split('.'));
}

function moduleAt(base: string, has: (path: string) => boolean): string {
  const initial = `${base}/__init__.py`;
  return base === PACKAGE || has(initial) ? initial : `${base}.py`;
}

const namesOf = (text: string) =>
  text
    .replaceAll(/[()]|#.*/g, '')
    .split(',')
    .map((name) => name.trim().split(/\s/)[0]!)
    .filter((name) => name !== '');

/** Whether the block that an indented line stands in is `if TYPE_CHECKING:`. */
function isForTypes(before: string, indent: string): boolean {
  const outer = before
    .split('\n')
    .findLast((line) => line.trim() !== '' && /^[ \t]*/.exec(line)![0].length < indent.length && !/^[)\]}]/.test(line));
  return outer?.trim() === 'if TYPE_CHECKING:';
}
