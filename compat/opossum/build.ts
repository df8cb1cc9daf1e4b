import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/**
 * Builds the package: CommonJS in `dist/cjs`, with an ES module in front of it that exports the same class, and in
 * `lib` the files that programs take from inside of opossum. The types are maintained in `types`, as they are
 * those of opossum.
 */
const here = import.meta.dirname;
const dist = join(here, 'dist');
const lib = join(here, 'lib');

/** What is under `lib` in opossum, and what exports it here. */
const INNER = {
  circuit: { file: 'circuit-breaker', name: 'CircuitBreaker' },
  status: { file: 'status', name: 'Status' },
  semaphore: { file: 'semaphore', name: 'semaphore' },
  cache: { file: 'memory-cache', name: 'MemoryCache' },
};

for (const folder of [dist, lib]) rmSync(folder, { recursive: true, force: true });
const bundle = await rolldown({
  input: Object.fromEntries(Object.values(INNER).map(({ file }) => [file, join(here, 'src', `${file}.ts`)])),
  platform: 'node',
  external: [/^node:/, '@fuseboard/agent'],
  resolve: { conditionNames: ['fuseboard-source', 'node'] },
});
await bundle.write({ dir: join(dist, 'cjs'), format: 'cjs', chunkFileNames: 'shared-[hash].js', minify: false });
await bundle.close();

const COMMONJS = '{ "type": "commonjs" }\n';
writeFileSync(join(dist, 'cjs', 'package.json'), COMMONJS);
writeFileSync(join(dist, 'cjs', 'index.js'), `module.exports = require('./circuit-breaker.js').CircuitBreaker;\n`);
mkdirSync(join(dist, 'esm'));
writeFileSync(
  join(dist, 'esm', 'index.js'),
  `import CircuitBreaker from '../cjs/index.js';\n\nexport default CircuitBreaker;\n`,
);
mkdirSync(lib);
writeFileSync(join(lib, 'package.json'), COMMONJS);
for (const [name, { file, name: exported }] of Object.entries(INNER)) {
  writeFileSync(join(lib, `${name}.js`), `module.exports = require('../dist/cjs/${file}.js').${exported};\n`);
}
