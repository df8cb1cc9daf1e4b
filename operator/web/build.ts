/**
 * Builds the page into the operator's `dist/web`: one script and one style sheet under names that change with their
 * content, and the licences of the packages that went in.
 *
 *     node build.ts [--if-stale]
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const TO = fileURLToPath(new URL('../dist/web/', import.meta.url));
const PACKAGES = ['preact', '@preact/signals', '@preact/signals-core', 'uplot'];

const require = createRequire(import.meta.url);

/** Everything that the page is made of; it also takes modules of the operator's core. */
const SOURCES = [HERE, fileURLToPath(new URL('../src/core/', import.meta.url))];

function newest(folder: string): number {
  let found = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() && !entry.parentPath.includes('node_modules')) {
      found = Math.max(found, statSync(join(entry.parentPath, entry.name)).mtimeMs);
    }
  }
  return found;
}

/** Whether the page is missing or older than what it is made of. */
function stale(): boolean {
  const built = join(TO, 'index.html');
  return !existsSync(built) || Math.max(...SOURCES.map(newest)) > statSync(built).mtimeMs;
}

function licence(name: string): string {
  let folder = dirname(require.resolve(name));
  while (!existsSync(join(folder, 'LICENSE'))) folder = dirname(folder);
  return `${name}\n\n${readFileSync(join(folder, 'LICENSE'), 'utf8').trim()}\n`;
}

/** Writes a file under a name that changes with its content. */
function write(name: string, text: string): string {
  const hash = createHash('sha256').update(text).digest('base64url').slice(0, 10);
  const path = `assets/${name.replace('.', `-${hash}.`)}`;
  writeFileSync(join(TO, path), text);
  return path;
}

async function build(): Promise<void> {
  const bundle = await rolldown({
    input: join(HERE, 'src/main.tsx'),
    platform: 'browser',
    transform: { target: 'es2022' },
    // Chunks that are loaded later import from the script of the page.
    preserveEntrySignatures: false,
    resolve: { conditionNames: ['fuseboard-source', 'import', 'browser', 'default'] },
  });
  const { output } = await bundle.generate({
    ...{ format: 'esm', minify: true },
    entryFileNames: 'assets/page-[hash].js',
    chunkFileNames: 'assets/[name]-[hash].js',
  });
  await bundle.close();
  rmSync(TO, { recursive: true, force: true });
  mkdirSync(join(TO, 'assets'), { recursive: true });
  for (const file of output) if (file.type === 'chunk') writeFileSync(join(TO, file.fileName), file.code);
  const script = output[0].fileName;
  const plot = readFileSync(require.resolve('uplot/dist/uPlot.min.css'), 'utf8');
  const style = write('page.css', `${plot}\n${readFileSync(join(HERE, 'src/page.css'), 'utf8')}`);
  cpSync(join(HERE, 'icon.svg'), join(TO, 'icon.svg'));
  writeFileSync(join(TO, 'licences.txt'), PACKAGES.map(licence).join('\n\n'));
  const html = readFileSync(join(HERE, 'index.html'), 'utf8');
  writeFileSync(join(TO, 'index.html'), html.replace('assets/page.js', script).replace('assets/page.css', style));
}

if (!process.argv.includes('--if-stale') || stale()) {
  const begun = performance.now();
  await build();
  console.log(`built the page in ${((performance.now() - begun) / 1_000).toFixed(1)} s`);
}
