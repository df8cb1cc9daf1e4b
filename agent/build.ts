import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import manifest from './package.json' with { type: 'json' };

/**
 * Builds the package. The code is there once, as CommonJS, with all that it needs from the workspace inside; the ES modules
 * export the same objects, so that a program which uses both has one copy and the tarball stays small.
 */
const here = import.meta.dirname;
const dist = join(here, 'dist');
type Format = 'esm' | 'cjs';
/** What the package exports: the name of each entry in `dist`, and its source below `src` without the ending. */
const entries = new Map(
  Object.values(manifest.exports).flatMap((target) =>
    typeof target === 'string'
      ? []
      : [
          [
            basename(target.import, '.js'),
            relative('src', target['fuseboard-source']).slice(0, -'.ts'.length),
          ] as const,
        ],
  ),
);

/** Small, with the names of classes kept for stack traces. */
const MINIFIED = {
  mangle: { keepNames: { class: true, function: false } },
  compress: true,
  codegen: { removeWhitespace: true },
};

/** What is written by users and read in their editors; the protocol is described in its own document. */
const DESCRIBED = /^export interface (PolicySpec|Totals) /m;

rmSync(dist, { recursive: true, force: true });
await bundle();
declare();

async function bundle(): Promise<void> {
  const bundle = await rolldown({
    input: Object.fromEntries([...entries].map(([name, source]) => [name, join(here, 'src', `${source}.ts`)])),
    platform: 'node',
    external: [/^node:/],
    resolve: { conditionNames: ['fuseboard-source', 'node'] },
  });
  await bundle.write({
    dir: join(dist, 'cjs'),
    format: 'cjs',
    chunkFileNames: 'shared-[hash].js',
    comments: false,
    minify: MINIFIED,
  });
  await bundle.close();
  writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');
  mkdirSync(join(dist, 'esm'));
  for (const name of entries.keys()) {
    const names = Object.keys(createRequire(import.meta.url)(join(dist, 'cjs', `${name}.js`)));
    const text = `import cjs from '../cjs/${name}.js';\nexport const { ${names.join(', ')} } = cjs;\n`;
    writeFileSync(join(dist, 'esm', `${name}.js`), text);
  }
}

/**
 * Emits the declarations that the entries lead to; the types of the schema become a file beside them. Those of the entries
 * that have a peer are there for both formats, so that each finds the declarations of the peer that are meant for it; all others are there once.
 */
function declare(): void {
  const emitted = join(dist, 'types');
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
  const wanted = new Set<string>();
  const borrowed = new Set<string>();
  const read = (source: string) => {
    const text = readFileSync(join(emitted, `${source}.d.ts`), 'utf8');
    for (const [, names] of text.matchAll(/import type \{([^}]+)\} from '@fuseboard\/schema\/types'/g)) {
      for (const type of names!.split(',')) borrowed.add(type.trim());
    }
    return text;
  };
  for (const [name, source] of entries) {
    const text = read(source);
    const hasPeer = /from ['"](?!\.|node:|@fuseboard\/)/.test(text);
    write('cjs', name, rewired(text, source, name, 'cjs', wanted));
    write('esm', name, hasPeer ? rewired(text, source, name, 'esm', wanted) : `export * from '../cjs/${name}.js';\n`);
  }
  for (const source of wanted) write('cjs', source, rewired(read(source), source, source, 'cjs', wanted));
  writeFileSync(join(dist, 'cjs', 'schema.d.ts'), schemaTypes(borrowed));
  rmSync(emitted, { recursive: true });
}

function write(format: Format, name: string, text: string): void {
  const target = join(dist, format, `${name}.d.ts`);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
}

/** The types of the schema that the declarations name; each of them stands by itself. */
function schemaTypes(names: ReadonlySet<string>): string {
  const source = readFileSync(join(here, '../crds/schema/src/types.ts'), 'utf8');
  const found = source
    .split('\n\n')
    .filter((text) => names.has(/^export (?:interface|type) (\w+)/m.exec(text)?.[1] ?? ''));
  if (found.length !== names.size) throw new Error(`the schema lacks one of ${[...names].join(', ')}`);
  return found.map((text) => (DESCRIBED.test(text) ? text : text.replaceAll(/^ *\/\*\*.*\*\/\n/gm, ''))).join('\n\n');
}

/**
 * Lets the declarations of a source, written to `name`, import what lies in the package, and notes what that is. Another entry is
 * imported by the name it has in `dist`.
 */
function rewired(text: string, source: string, name: string, format: Format, wanted: Set<string>): string {
  const entryOf = new Map([...entries].map(([entry, its]) => [its, entry]));
  return text.replaceAll(
    /(from |import\()(['"])([^'"]+)\2/g,
    (whole, keyword: string, quote: string, specifier: string) => {
      const local = /^\.{1,2}\/.+\.ts$/.test(specifier)
        ? join(dirname(source), specifier).slice(0, -'.ts'.length)
        : undefined;
      const entry = local === undefined ? undefined : entryOf.get(local);
      if (local === undefined && specifier !== '@fuseboard/schema/types') return whole;
      if (local !== undefined && entry === undefined) wanted.add(local);
      const path = relative(join(format, dirname(name)), join('cjs', `${entry ?? local ?? 'schema'}.js`));
      return `${keyword}${quote}${path.startsWith('.') ? '' : './'}${path}${quote}`;
    },
  );
}
