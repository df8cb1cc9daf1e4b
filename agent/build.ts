import { execFileSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { rolldown } from 'rolldown';

/** Builds the package: the same sources in two module formats, with all that they need from the workspace inside. */
const here = import.meta.dirname;
const dist = join(here, 'dist');
const emitted = join(dist, 'types');
const formats = ['esm', 'cjs'] as const;

rmSync(dist, { recursive: true, force: true });
await bundle();
declare();
writeFileSync(join(dist, 'cjs', 'package.json'), '{ "type": "commonjs" }\n');

async function bundle(): Promise<void> {
  const entries = ['index', 'testing', 'prom-client'].map((name) => [name, join(here, 'src', `${name}.ts`)]);
  const bundle = await rolldown({
    input: Object.fromEntries(entries),
    platform: 'node',
    external: [/^node:/],
    resolve: { conditionNames: ['fuseboard-source', 'node'] },
  });
  for (const format of formats) {
    await bundle.write({ dir: join(dist, format), format, chunkFileNames: 'shared-[hash].js' });
  }
  await bundle.close();
}

/** Emits the declarations, and points what they take from the schema to copies beside them. */
function declare(): void {
  const compiler = join(dirname(fileOf('typescript/package.json')), 'bin/tsc');
  execFileSync(process.execPath, [compiler, '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
  for (const format of formats) {
    const target = join(dist, format);
    cpSync(join(emitted, 'agent/src'), target, { recursive: true });
    cpSync(join(emitted, 'crds/schema/src'), join(target, 'schema'), { recursive: true });
    for (const file of globSync('**/*.d.ts', { cwd: target })) {
      const schema = relative(dirname(file), 'schema') || '.';
      const text = readFileSync(join(target, file), 'utf8')
        .replaceAll(/(['"])@fuseboard\/schema\/(\w+)\1/g, (_, quote, name) => `${quote}./${schema}/${name}.js${quote}`)
        .replaceAll(/(from |import\()(['"])(\.[^'"]*)\.ts\2/g, '$1$2$3.js$2');
      writeFileSync(join(target, file), text);
    }
  }
  rmSync(emitted, { recursive: true });
}

function fileOf(name: string): string {
  return new URL(import.meta.resolve(name)).pathname;
}
