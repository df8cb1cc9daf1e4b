/**
 * Builds the operator and its command line into `dist`: few files, because a command line that loads hundreds of them
 * spends most of its time on that. What every file command needs is inside; what only a server or a cluster needs is
 * loaded from its package. The licences of the packages inside are beside it.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import manifest from './package.json' with { type: 'json' };

const HERE = import.meta.dirname;
const TO = join(HERE, 'dist');
/** The packages that are inside. */
const INSIDE = ['@fuseboard/schema', 'commander', 'leven', 'yaml', 'zod'];
const outside = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)].filter(
  (name) => !INSIDE.includes(name),
);

const isPackage = (id: string) => id.includes('/node_modules/');

/** The file of `dist` that a module goes to: what is loaded together is together. Null: where it is used. */
function fileOf(id: string): string | null {
  if (/\/node_modules\/(commander|leven)\//.test(id)) return 'command-line';
  const source = relative(join(HERE, 'src'), id);
  if (
    /^(cli\/(program|completion-scripts|exit-codes|output\/(output|safe-stream|suggestions))|config\/usage-error|core\/(printable|policy\/namespace)|files\/unreadable|version)\./.test(
      source,
    )
  )
    return 'command-line';
  if (source.includes('crds/schema/src/')) {
    return /\/(defaults|duration|rules|trip-conditions|types)\.ts$/.test(id) ? 'command-line' : null;
  }
  if (/^(sources\/(file|yaml-bounds)|cli\/policy-files\/files|files\/bounded-file|core\/policy\/links)\./.test(source))
    return 'policy-files';
  return null;
}

const bundle = await rolldown({
  input: join(HERE, 'src/main.ts'),
  platform: 'node',
  external: [/^node:/, ...outside.map((name) => new RegExp(`^${name}(/|$)`))],
  resolve: { conditionNames: ['fuseboard-source', 'import', 'node', 'default'] },
  preserveEntrySignatures: false,
  // The entry loads everything after the compile cache is enabled, also what others import statically.
  checks: { ineffectiveDynamicImport: false },
  // No source does anything but declare when it is loaded, except the entry.
  treeshake: { moduleSideEffects: (id) => isPackage(id) || id.endsWith('/src/main.ts') },
});
if (existsSync(TO)) {
  for (const name of readdirSync(TO)) if (name !== 'web') rmSync(join(TO, name), { recursive: true });
}
await bundle.write({
  dir: TO,
  format: 'esm',
  // All in one folder: sources find their package through the place of their file.
  chunkFileNames: '[name].js',
  comments: { legal: false },
  // Names stay, for stack traces; white space costs time at each start.
  minify: { mangle: false, compress: false, codegen: true },
  codeSplitting: { groups: [{ debugName: 'files', name: fileOf }] },
});
await bundle.close();

function licence(name: string): string {
  let folder = dirname(fileURLToPath(import.meta.resolve(name)));
  while (!existsSync(join(folder, 'LICENSE')) && !existsSync(join(folder, 'license'))) folder = dirname(folder);
  const file = existsSync(join(folder, 'LICENSE')) ? 'LICENSE' : 'license';
  return `${name}\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}

const foreign = INSIDE.filter((name) => !name.startsWith('@fuseboard/'));
writeFileSync(join(TO, 'licences.txt'), foreign.map(licence).join('\n\n'));
