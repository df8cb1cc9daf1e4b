/**
 * Bundles a program as the tool named by the first argument does for Node: `bundle.ts TOOL ENTRY FOLDER`. Prints the
 * file that runs.
 */
import { join } from 'node:path';
import type { InputOptions } from 'rolldown';
import { rolldown } from 'rolldown';
import { rollup } from 'rollup';
import { build as buildWithVite } from 'vite';
import webpack from 'webpack';

const [tool, entry, folder] = process.argv.slice(2) as [string, string, string];
const external = [/^node:/];
/** A circle of files, for example, is a warning to everybody who bundles the package. */
const onwarn = ({ message }: { readonly message: string }) => {
  throw new Error(message);
};

const TOOLS: Readonly<Record<string, () => Promise<string>>> = {
  /** Plain: it resolves no packages by itself, so the package is marked external as its users do, or found by path. */
  rollup: async () => {
    const bundle = await rollup({ input: entry, external, plugins: [resolvePackage], onwarn });
    await bundle.write({ dir: folder, format: 'es', entryFileNames: 'main.mjs', chunkFileNames: '[name].mjs' });
    return 'main.mjs';
  },
  'rollup in one file': async () => {
    const bundle = await rollup({ input: entry, external, plugins: [resolvePackage], onwarn });
    await bundle.write({ file: join(folder, 'main.cjs'), format: 'cjs', inlineDynamicImports: true });
    return 'main.cjs';
  },
  rolldown: async () => {
    const options: InputOptions = { input: entry, platform: 'node', external };
    const bundle = await rolldown(options);
    await bundle.write({ dir: folder, format: 'esm', entryFileNames: 'main.mjs', chunkFileNames: '[name].mjs' });
    return 'main.mjs';
  },
  webpack: () =>
    new Promise((resolve, reject) => {
      const options = {
        entry,
        mode: 'production',
        target: 'node20',
        output: { path: folder, filename: 'main.cjs' },
      } as const;
      webpack(options, (error, stats) => {
        if (error) reject(error);
        else if (stats?.hasErrors() || stats?.hasWarnings()) reject(new Error(stats.toString('errors-warnings')));
        else resolve('main.cjs');
      });
    }),
  'vite ssr': async () => {
    await buildWithVite({
      root: join(entry, '..'),
      configFile: false,
      logLevel: 'error',
      ssr: { noExternal: true, target: 'node' },
      build: {
        ssr: entry,
        outDir: folder,
        emptyOutDir: false,
        rollupOptions: { output: { entryFileNames: 'main.mjs' } },
      },
    });
    return 'main.mjs';
  },
};

/** What @rollup/plugin-node-resolve does for this one package. */
const resolvePackage = {
  name: 'resolve-package',
  resolveId: (specifier: string) =>
    specifier.startsWith('@fuseboard/agent')
      ? join(
          entry,
          '../node_modules/@fuseboard/agent/dist/esm',
          `${specifier.slice('@fuseboard/agent'.length + 1) || 'index'}.js`,
        )
      : null,
};

console.log(join(folder, await TOOLS[tool]!()));
