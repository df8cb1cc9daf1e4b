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
/** What the package exports, each by a source of its own. */
const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' ? [] : [basename(target['fuseboard-source'], '.ts')],
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
    input: Object.fromEntries(entries.map((name) => [name, join(here, 'src', `${name}.ts`)])),
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
  for (const name of entries) {
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
  const wanted = new Set(entries);
  const borrowed = new Set<string>();
  for (const name of wanted) {
    const text = readFileSync(join(emitted, `${name}.d.ts`), 'utf8');
    for (const [, names] of text.matchAll(/import type \{([^}]+)\} from '@fuseboard\/schema\/types'/g)) {
      for (const type of names!.split(',')) borrowed.add(type.trim());
    }
    write('cjs', name, rewired(text, name, 'cjs', wanted));
    if (!entries.includes(name)) continue;
    const hasPeer = /from ['"](?!\.|node:|@fuseboard\/)/.test(text);
    write('esm', name, hasPeer ? rewired(text, name, 'esm', wanted) : `export * from '../cjs/${name}.js';\n`);
  }
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

/** Lets a declaration import what is beside it in the package, and notes what that is. */
function rewired(text: string, name: string, format: Format, wanted: Set<string>): string {
  return text.replaceAll(
    /(from |import\()(['"])([^'"]+)\2/g,
    (whole, keyword: string, quote: string, specifier: string) => {
      const local = /^\.{1,2}\/.+\.ts$/.test(specifier)
        ? join(dirname(name), specifier).slice(0, -'.ts'.length)
        : undefined;
      if (local !== undefined) wanted.add(local);
      else if (specifier !== '@fuseboard/schema/types') return whole;
      const path = relative(join(format, dirname(name)), join('cjs', `${local ?? 'schema'}.js`));
      return `${keyword}${quote}${path.startsWith('.') ? '' : './'}${path}${quote}`;
    },
  );
}
