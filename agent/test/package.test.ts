import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

/** The Node that uses the package; the one that builds it is always ours. */
const node = process.env.FUSEBOARD_PACKAGE_NODE || process.execPath;
const workspace = join(import.meta.dirname, '..');
const root = mkdtempSync(join(tmpdir(), 'fuseboard-package-'));
const consumer = join(root, 'consumer');
const tools = { ...process.env, NODE_OPTIONS: '' };
let tarball: { filename: string; size: number; files: { path: string }[] };

function npm(folder: string, ...args: string[]): string {
  return execFileSync('npm', args, { cwd: folder, env: tools, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}

function install(folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{ "name": "consumer", "private": true }');
  npm(folder, 'install', '--offline', '--no-audit', '--no-fund', join(root, tarball.filename));
}

/** Runs a program of the consumer and gives back what it printed. */
function use(file: string, text: string): string {
  writeFileSync(join(consumer, file), text);
  return execFileSync(node, [file], { cwd: consumer, env: tools, encoding: 'utf8' }).trim();
}

beforeAll(() => {
  execFileSync(process.execPath, ['build.ts'], { cwd: workspace, env: tools });
  const packed = JSON.parse(npm(workspace, 'pack', '--json', '--ignore-scripts', '--pack-destination', root));
  tarball = Array.isArray(packed) ? packed[0] : Object.values(packed)[0];
  install(consumer);
  install(join(consumer, 'plugin'));
}, 120_000);
afterAll(() => rmSync(root, { recursive: true, force: true }));

const story = `
  const breaker = getBreaker('payments', { defaults: { trip: { consecutiveFailures: 2 } } });
  const fail = async () => { throw new Error('down'); };
  const outcomes = [];
  for (let i = 0; i < 3; i++) await breaker.execute(fail).catch((error) => outcomes.push(error.code ?? error.message));
  const plane = await FakeControlPlane.start();
  plane.push([{ name: 'payments', spec: { breakers: ['payments'], trip: { consecutiveFailures: 5 } } }]);
  const agent = start({ url: plane.url, service: 'consumer' });
  outcomes.push(await agent.ready(), breaker.stats().source, breaker.state);
  await agent.stop();
  await plane.stop();
  console.log(outcomes.join(' '));`;
const told = 'down down ERR_FUSEBOARD_OPEN Live policy open';

describe('the package', () => {
  it('brings nothing along and stays under 60 kB', () => {
    const manifest = JSON.parse(readFileSync(join(consumer, 'node_modules/@fuseboard/agent/package.json'), 'utf8'));
    expect(manifest.dependencies).toBeUndefined();
    expect(npm(consumer, 'ls', '--all', '--parseable').trim().split('\n')).toHaveLength(2);
    expect(tarball.size).toBeLessThan(60_000);
    expect(tarball.files.map(({ path }) => path)).toContain('README.md');
  });

  it('tells its story to import', () => {
    const text = `
      import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      ${story}`;
    expect(use('story.mjs', text)).toBe(told);
  });

  it('tells its story to require', () => {
    const text = `
      const { getBreaker, start } = require('@fuseboard/agent');
      const { FakeControlPlane } = require('@fuseboard/agent/testing');
      (async () => {${story}})();`;
    expect(use('story.cjs', text)).toBe(told);
  });

  it('shares its breakers between two copies and both module systems', () => {
    const text = `
      import { createRequire } from 'node:module';
      import { getBreaker, isFuseboardError } from '@fuseboard/agent';
      const require = createRequire(import.meta.url);
      const other = createRequire(new URL('plugin/', import.meta.url))('@fuseboard/agent');
      const paths = new Set([require.resolve('@fuseboard/agent'), createRequire(new URL('plugin/', import.meta.url)).resolve('@fuseboard/agent')]);
      const breaker = getBreaker('shared', { defaults: { trip: { consecutiveFailures: 1 } } });
      breaker.enter().fail();
      const error = await other.getBreaker('shared').execute(() => 1).catch((error) => error);
      console.log(paths.size, other.getBreaker('shared') === breaker, require('@fuseboard/agent').getBreaker('shared') === breaker, isFuseboardError(error, 'ERR_FUSEBOARD_OPEN'));`;
    expect(use('copies.mjs', text)).toBe('2 true true true');
  });

  it('has types for both module systems that need no other package but those of Node', () => {
    const program = (load: string) => `
      ${load}
      const payments = getBreaker('payments', { defaults: { trip: { consecutiveFailures: 3 }, recovery: { openDuration: '5s' } } });
      export const answer: Promise<number | 'cold'> = payments.execute(async ({ signal }) => (signal.aborted ? 0 : 1), { fallback: () => 'cold' as const });
      export const state: 'closed' | 'open' | 'half-open' = payments.state;
      export const agent: Agent = start({ service: 'checkout', labels: { app: 'checkout' } });
      // @ts-expect-error a threshold is a number
      getBreaker('x', { defaults: { trip: { consecutiveFailures: 'many' } } });
      export const plane: Promise<FakeControlPlane> = FakeControlPlane.start();
      export const test = createBreaker({ breakers: ['x'] }, { clock: new FakeClock() });
    `;
    const load = `import { type Agent, getBreaker, start } from '@fuseboard/agent';
      import { createBreaker, FakeClock, FakeControlPlane } from '@fuseboard/agent/testing';`;
    writeFileSync(join(consumer, 'use.mts'), program(load));
    writeFileSync(join(consumer, 'use.cts'), program(load));
    const require = createRequire(import.meta.url);
    const typeRoots = dirname(dirname(require.resolve('@types/node/package.json')));
    const compilerOptions = {
      module: 'nodenext',
      target: 'es2023',
      lib: ['es2023', 'esnext.disposable'],
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      typeRoots: [typeRoots],
      types: ['node'],
    };
    writeFileSync(join(consumer, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts', 'use.cts'] }));
    const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
    const run = () =>
      execFileSync(process.execPath, [compiler, '-p', consumer], { env: tools, encoding: 'utf8', stdio: 'pipe' });
    expect(run).not.toThrow();
  });

  it('exports exactly what its sources export', async () => {
    const sources = await import('../src/index.ts');
    const text = `import * as all from '@fuseboard/agent'; console.log(Object.keys(all).sort().join());`;
    expect(use('exports.mjs', text)).toBe(Object.keys(sources).sort().join());
  });
});
