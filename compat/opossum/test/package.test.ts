import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const repository = join(import.meta.dirname, '../../..');
const root = mkdtempSync(join(tmpdir(), 'fuseboard-opossum-'));
const copy = join(root, 'repository');
const consumer = join(root, 'consumer');
const tools = { ...process.env, NODE_OPTIONS: '' };
const require = createRequire(import.meta.url);
let tarball: { filename: string; files: { path: string }[] };

function npm(folder: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd: folder, env: tools, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Builds a workspace of the copy and packs it. */
function pack(workspace: string): typeof tarball {
  const folder = join(copy, workspace);
  execFileSync(process.execPath, ['build.ts'], { cwd: folder, env: tools });
  const packed: (typeof tarball)[] | Record<string, typeof tarball> = JSON.parse(
    npm(folder, 'pack', '--json', '--ignore-scripts', '--pack-destination', root),
  );
  return Object.values(packed)[0]!;
}

/** Runs a program of the consumer and gives back what it printed. */
function use(file: string, text: string): string {
  writeFileSync(join(consumer, file), text);
  return execFileSync(process.execPath, [file], { cwd: consumer, env: tools, encoding: 'utf8' }).trim();
}

/** What a tool of Node's says when it fails; nothing when it does not. */
function complaints(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env: tools, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

beforeAll(() => {
  // Other tests build the workspaces in place at the same time.
  for (const folder of ['agent', 'compat/opossum', 'crds/schema', 'tsconfig.base.json']) {
    const filter = (path: string) => !['node_modules', 'dist', 'lib', 'bench'].includes(basename(path));
    cpSync(join(repository, folder), join(copy, folder), { recursive: true, filter });
  }
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'));
  const agent = pack('agent');
  tarball = pack('compat/opossum');
  mkdirSync(consumer);
  writeFileSync(join(consumer, 'package.json'), '{ "name": "consumer", "private": true }');
  const files = [agent, tarball].map(({ filename }) => join(root, filename));
  npm(consumer, 'install', '--offline', '--no-audit', '--no-fund', ...files);
  const modules = join(consumer, 'node_modules');
  for (const name of ['opossum', '@types']) symlinkSync(join(repository, 'node_modules', name), join(modules, name));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const story = `
  const breaker = new CircuitBreaker(async (x) => { if (x < 0) throw new Error('negative'); return x; }, { name: 'story' });
  const outcomes = [await breaker.fire(1)];
  for (const x of [-1, -1, 2]) outcomes.push(await breaker.fire(x).catch((error) => error.code ?? error.message));
  const { getBreaker } = await import('@fuseboard/agent');
  console.log(outcomes.join(' '), getBreaker('story').state);`;
const told = '1 negative negative EOPENBREAKER open';

/** A program that was written for the types of opossum. */
const typed = `
  class Failure extends Error { readonly status = 500; }
  const options: CircuitBreaker.Options = { timeout: 3000, errorThresholdPercentage: 50, resetTimeout: 30000, errorFilter: (error) => error.status < 500 };
  const breaker = new CircuitBreaker(async (id: string, count: number) => ({ id, count }), { ...options, name: 'stock' });
  export const fired: Promise<{ id: string; count: number }> = breaker.fire('a', 1);
  export const called: Promise<{ id: string; count: number }> = breaker.call({}, 'a', 1);
  // @ts-expect-error the arguments are those of the action
  breaker.fire(1, 'a');
  // @ts-expect-error a number of milliseconds
  new CircuitBreaker(async () => 1, { resetTimeout: '30s' });
  breaker.fallback((id: string, count: number, error: Failure) => ({ id, count: error.status }));
  breaker.on('success', (result, latency) => [result.count.toFixed(), latency.toFixed()]);
  breaker.on('failure', (error, latency, [id, count]) => [error.message, latency, id.length, count.toFixed()]);
  breaker.on('halfOpen', (ms) => ms.toFixed());
  for (const event of ['open', 'close', 'shutdown'] as const) breaker.once(event, () => {});
  const stats: CircuitBreaker.Stats = breaker.stats;
  const status: CircuitBreaker.Status = CircuitBreaker.newStatus({ stats, rollingCountBuckets: 10 });
  status.on('snapshot', (snapshot) => snapshot.fires.toFixed());
  export const again = new CircuitBreaker(async () => 1, { status, cache: true, cacheTTL: 5, cacheGetKey: () => 'a' });
  export const open: boolean = breaker.opened || breaker.toJSON().state.open || CircuitBreaker.isOurError(new Error());
  breaker.healthCheck(async () => {}, 5000);
  export const all: CircuitBreaker[] = [];
`;

describe('the package', () => {
  it('tells its story to import and to require, with one class', () => {
    expect(use('story.mjs', `import CircuitBreaker from '@fuseboard/opossum';${story}`)).toBe(told);
    const required = `const CircuitBreaker = require('@fuseboard/opossum'); (async () => {${story}})();`;
    expect(use('story.cjs', required)).toBe(told);
    const both = `import { createRequire } from 'node:module';
      import CircuitBreaker from '@fuseboard/opossum';
      console.log(createRequire(import.meta.url)('@fuseboard/opossum') === CircuitBreaker);`;
    expect(use('both.mjs', both)).toBe('true');
  });

  it('has what programs take from inside of opossum', () => {
    const text = `
      const inner = ['circuit', 'status', 'semaphore', 'cache'];
      const load = (each) => [require('@fuseboard/opossum/lib/' + each), require('@fuseboard/opossum/lib/' + each + '.js')];
      const loaded = inner.map(load);
      console.log(loaded.every(([a, b]) => a === b && typeof a === 'function'), loaded[0][0] === require('@fuseboard/opossum'));`;
    expect(use('inner.cjs', text)).toBe('true true');
  });

  it('brings what it needs, and says whose it is', () => {
    expect(npm(consumer, 'ls', '--all', '--parseable', '@fuseboard/agent').trim().split('\n')).toHaveLength(1);
    const paths = tarball.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'dist/cjs/index.js', 'types/index.d.cts']));
    expect(paths.filter((path) => /test|^src/.test(path))).toEqual([]);
  });

  it.each([
    ['opossum', 'typescript'],
    ['@fuseboard/opossum', 'typescript'],
    ['@fuseboard/opossum', 'typescript-5.4'],
  ])('takes a program that was written for the types of opossum, from %s by %s', (name, typescript) => {
    const imports = {
      'typed.mts': `import CircuitBreaker from '${name}';`,
      'typed.cts': `import CircuitBreaker = require('${name}');`,
    };
    for (const [file, text] of Object.entries(imports)) writeFileSync(join(consumer, file), `${text}\n${typed}`);
    const compilerOptions = {
      ...{ module: 'nodenext', target: 'es2022', lib: ['es2023'], strict: true, noEmit: true, types: ['node'] },
      ...{
        exactOptionalPropertyTypes: true,
        noUncheckedIndexedAccess: true,
        skipLibCheck: name === 'opossum' || typescript !== 'typescript',
      },
      typeRoots: [dirname(dirname(require.resolve('@types/node/package.json')))],
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: Object.keys(imports) }));
    const compiler = join(dirname(require.resolve(`${typescript}/package.json`)), 'bin/tsc');
    expect(complaints(compiler, '-p', consumer)).toBe('');
  });

  it.each([
    ['publint', (file: string) => ['run', file, '--strict']],
    ['attw', (file: string) => [file, '--profile', 'node16', '--no-color']],
  ])('leaves %s nothing to complain about', (tool, args) => {
    const bin = join(repository, 'node_modules/.bin', tool);
    expect(complaints(bin, ...args(join(root, tarball.filename)))).toBe('');
  });
});
