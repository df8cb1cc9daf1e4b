import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/**
 * Builds the package. The code is there once, as CommonJS, with all that it needs from the workspace inside; the ES modules
 * export the same objects, so that a program which uses both has one copy and the tarball stays small.
 */
const here = import.meta.dirname;
const dist = join(here, 'dist');
const entries = ['index', 'testing', 'prom-client'];

/** Without white space, but with the names of the sources: a stack trace still says where it was. */
const SMALL = { compress: false, mangle: false, codegen: { removeWhitespace: true } } as const;

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
    minify: SMALL,
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

/** Emits the declarations that the entries lead to, once, like the code; the types of the schema become a file beside them. */
function declare(): void {
  const emitted = join(dist, 'types');
  const compiler = join(dirname(fileURLToPath(import.meta.resolve('typescript/package.json'))), 'bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
  const wanted = new Set(entries);
  for (const name of wanted) {
    const text = readFileSync(join(emitted, `${name}.d.ts`), 'utf8').replaceAll(
      /(from |import\()(['"])([^'"]+)\2/g,
      (whole, keyword: string, quote: string, specifier: string) => {
        const local = /^\.{1,2}\/.+\.ts$/.test(specifier)
          ? join(dirname(name), specifier).slice(0, -'.ts'.length)
          : undefined;
        if (local !== undefined) wanted.add(local);
        else if (specifier !== '@fuseboard/schema/types') return whole;
        const path = relative(dirname(name), `${local ?? 'schema'}.js`);
        return `${keyword}${quote}${path.startsWith('.') ? '' : './'}${path}${quote}`;
      },
    );
    const target = join(dist, 'cjs', `${name}.d.ts`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, text);
  }
  copyFileSync(join(here, '../crds/schema/src/types.ts'), join(dist, 'cjs', 'schema.d.ts'));
  for (const name of entries) writeFileSync(join(dist, 'esm', `${name}.d.ts`), `export * from '../cjs/${name}.js';\n`);
  rmSync(emitted, { recursive: true });
}
