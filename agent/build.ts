import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
const formats = ['esm', 'cjs'] as const;
/** What the package exports, each by a source of its own. */
const entries = Object.values(manifest.exports).flatMap((target) =>
  typeof target === 'string' ? [] : [basename(target['fuseboard-source'], '.ts')],
);

/** Small, with the names of functions kept for stack traces. */
const MINIFIED = { mangle: { keepNames: true }, compress: true, codegen: { removeWhitespace: true } };

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
 * are there for both formats, so that each finds the declarations of a peer that are meant for it; all others are there once.
 */
function declare(): void {
  const emitted = join(dist, 'types');
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
  const wanted = new Set(entries);
  for (const name of wanted) {
    const text = readFileSync(join(emitted, `${name}.d.ts`), 'utf8');
    for (const format of entries.includes(name) ? formats : (['cjs'] as const)) {
      const target = join(dist, format, `${name}.d.ts`);
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, rewired(text, name, format, wanted));
    }
  }
  copyFileSync(join(here, '../crds/schema/src/types.ts'), join(dist, 'cjs', 'schema.d.ts'));
  rmSync(emitted, { recursive: true });
}

/** Lets a declaration import what is beside it in the package, and notes what that is. */
function rewired(text: string, name: string, format: (typeof formats)[number], wanted: Set<string>): string {
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
