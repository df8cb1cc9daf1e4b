import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';

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

/** What a tool of Node's says when it fails; nothing when it does not. */
function complaints(script: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...args], { env: tools, encoding: 'utf8' });
  return status === 0 ? '' : `${stdout}${stderr}`;
}

/** What the type checker says of programs in a folder. */
function typeErrors(folder: string, files: string[], options: object, typescript = 'typescript'): string {
  const require = createRequire(import.meta.url);
  const compilerOptions = {
    module: 'nodenext',
    target: 'es2023',
    lib: ['es2023'],
    strict: true,
    noEmit: true,
    typeRoots: [dirname(dirname(require.resolve('@types/node/package.json')))],
    types: ['node'],
    ...options,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }));
  const compiler = join(dirname(require.resolve(`${typescript}/package.json`)), 'bin/tsc');
  return complaints(compiler, '-p', folder);
}

/** What can be imported besides the package itself, with a slash before it. */
const subpaths = Object.keys(
  (JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8')) as { exports: object }).exports,
)
  .filter((each) => each !== '.' && each !== './package.json')
  .map((each) => each.slice(1));

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
const EXPECTED = 'down down ERR_FUSEBOARD_OPEN Live policy open';

describe('the package', () => {
  it('brings nothing along and stays under 120 kB', () => {
    const manifest = JSON.parse(readFileSync(join(consumer, 'node_modules/@fuseboard/agent/package.json'), 'utf8'));
    expect(manifest.dependencies).toBeUndefined();
    expect(npm(consumer, 'ls', '--all', '--parseable').trim().split('\n')).toHaveLength(2);
    expect(tarball.size).toBeLessThan(120_000);
    expect(tarball.files.map(({ path }) => path)).toEqual(expect.arrayContaining(['README.md', 'LICENSE']));
  });

  it('loads less than 95 kB of minified code with its main entry', async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: { main: '@fuseboard/agent' },
      absWorkingDir: consumer,
      outdir: join(root, 'split'),
      format: 'esm',
      bundle: true,
      splitting: true,
      minify: true,
      write: false,
      metafile: true,
      platform: 'node',
      logLevel: 'silent',
    });
    const loaded = new Set<string>();
    const load = (path: string): void => {
      if (loaded.has(path)) return;
      loaded.add(path);
      for (const { path: next, kind } of metafile.outputs[path]?.imports ?? []) {
        if (kind === 'import-statement' && next in metafile.outputs) load(next);
      }
    };
    load(Object.keys(metafile.outputs).find((path) => path.endsWith('/main.js'))!);
    const bytes = [...loaded].reduce((sum, path) => sum + metafile.outputs[path]!.bytes, 0);
    expect(bytes).toBeLessThan(95_000);
    expect(outputFiles.length).toBeGreaterThan(loaded.size);
  });

  it('loads the network and the recording only where they are asked for', () => {
    const text = `
      const { getBreaker } = require('@fuseboard/agent');
      getBreaker('payments', { defaults: { trip: { consecutiveFailures: 2 } } });
      const lazy = /[\\/](operator-exchange|recording)\\.js$/;
      setTimeout(() => console.log(Object.keys(require.cache).filter((path) => lazy.test(path)).length), 20);`;
    writeFileSync(join(consumer, 'lazy.cjs'), text);
    const loaded = (env: Record<string, string>) =>
      execFileSync(node, ['lazy.cjs'], { cwd: consumer, env: { ...tools, ...env }, encoding: 'utf8' }).trim();
    expect(loaded({})).toBe('0');
    expect(loaded({ FUSEBOARD_URL: 'http://127.0.0.1:1' })).toBe('1');
    expect(loaded({ FUSEBOARD_RECORD: join(root, 'calls.gz') })).not.toBe('0');
  });

  it('tells its story to import', () => {
    const text = `
      import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      ${story}`;
    expect(use('story.mjs', text)).toBe(EXPECTED);
  });

  it('tells its story to require', () => {
    const text = `
      const { getBreaker, start } = require('@fuseboard/agent');
      const { FakeControlPlane } = require('@fuseboard/agent/testing');
      (async () => {${story}})();`;
    expect(use('story.cjs', text)).toBe(EXPECTED);
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
    const strictest = { skipLibCheck: false, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
    expect(typeErrors(consumer, ['use.mts', 'use.cts'], strictest)).toBe('');
    expect(
      typeErrors(
        consumer,
        ['use.mts', 'use.cts'],
        { ...strictest, skipLibCheck: true, target: 'es2022', lib: ['es2022'] },
        'typescript-5.4',
      ),
    ).toBe('');
  });

  it('has types for both module systems that fit those of the libraries beside it', () => {
    const folder = join(root, 'typed');
    const modules = join(folder, 'node_modules');
    for (const [name, path] of [
      ['@fuseboard/agent', join(consumer, 'node_modules/@fuseboard/agent')],
      ['undici', join(workspace, 'node_modules/undici')],
      ...[
        '@grpc/grpc-js',
        '@nestjs/common',
        '@opentelemetry/api',
        '@types',
        'axios',
        'express',
        'ioredis',
        'pino',
        'redis',
      ].map((each) => [each, join(workspace, '../node_modules', each)]),
    ] as const) {
      mkdirSync(dirname(join(modules, name!)), { recursive: true });
      symlinkSync(path!, join(modules, name!));
    }
    const program = `
      import { Module } from '@nestjs/common';
      import { metrics, trace } from '@opentelemetry/api';
      import axios from 'axios';
      import express from 'express';
      import { Client, credentials } from '@grpc/grpc-js';
      import { Redis } from 'ioredis';
      import { pino } from 'pino';
      import { createClient, createCluster } from 'redis';
      import { Agent } from 'undici';
      import { breakerAdapter } from '@fuseboard/agent/axios';
      import { breakerStates, rejectionsAs503 } from '@fuseboard/agent/express';
      import { breakerFetch } from '@fuseboard/agent/fetch';
      import { grpcInterceptor } from '@fuseboard/agent/grpc';
      import { logTransitions } from '@fuseboard/agent/logger';
      import { FuseboardModule, UseBreaker } from '@fuseboard/agent/nestjs';
      import { markSpans, observeInto } from '@fuseboard/agent/opentelemetry';
      import { sendToStatsd } from '@fuseboard/agent/statsd';
      import { redisStore, shareState } from '@fuseboard/agent/store';
      import { breakerInterceptor } from '@fuseboard/agent/undici';

      class Service {
        @UseBreaker('payments', { fallback: 'cached' })
        async pay(amount: number) { return amount; }
      }
      @Module({ imports: [FuseboardModule.register({ breakers: ['payments'] })], providers: [Service] })
      class App {}
      export const made = [
        App,
        express().get('/', breakerStates()).use(rejectionsAs503()),
        axios.create({ adapter: breakerAdapter('payments', axios.getAdapter('http')) }),
        new Agent().compose(breakerInterceptor(({ url }) => url.host)),
        new Client('a:1', credentials.createInsecure(), { interceptors: [grpcInterceptor(({ service }) => service)] }),
        shareState(redisStore(createClient())),
        shareState(redisStore(createCluster({ rootNodes: [] }))),
        shareState(redisStore(new Redis())),
        logTransitions(pino()), observeInto(metrics.getMeter('a')), markSpans(trace), sendToStatsd({ format: 'tags' }),
      ];
      export const get: typeof fetch = breakerFetch('payments');
    `;
    writeFileSync(join(folder, 'package.json'), '{ "name": "typed", "private": true }');
    for (const file of ['typed.mts', 'typed.cts']) writeFileSync(join(folder, file), program);
    const options = { skipLibCheck: true, experimentalDecorators: true, esModuleInterop: true, preserveSymlinks: true };
    expect(typeErrors(folder, ['typed.mts', 'typed.cts'], options)).toBe('');
  });

  it.each(subpaths)('loads %s where no other package is installed, by import and by require', (subpath) => {
    const name = `@fuseboard/agent${subpath}`;
    const text = `
      import { createRequire } from 'node:module';
      import * as esm from '${name}';
      const cjs = createRequire(import.meta.url)('${name}');
      const names = Object.keys(cjs);
      console.log(names.length > 0, Object.keys(esm).sort().join() === names.sort().join());`;
    expect(use('subpath.mjs', text)).toBe('true true');
  });

  it.each(['esm', 'cjs'] as const)('tells its story after esbuild bundled it as %s', async (format) => {
    const entry = `
      import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      import { breakerFetch } from '@fuseboard/agent/fetch';
      (async () => {${story}
        await breakerFetch('payments')('http://127.0.0.1:1').catch((error) => console.log(error.code));
      })();`;
    const outfile = join(root, `bundle.${format === 'esm' ? 'mjs' : 'cjs'}`);
    const stdin = { contents: entry, resolveDir: consumer };
    await build({
      stdin,
      outfile,
      format,
      bundle: true,
      minify: true,
      platform: 'node',
      logLevel: 'silent',
    });
    const output = execFileSync(node, [outfile], { cwd: root, env: tools, encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual([EXPECTED, 'ERR_FUSEBOARD_OPEN']);
  });

  it('has public types as their report in agent/api has them', () => {
    expect(complaints(join(workspace, 'api-report.ts'), '--check')).toBe('');
  }, 120_000);

  it.each(['rollup', 'rollup in one file', 'rolldown', 'webpack', 'vite ssr'])(
    'tells its story after %s bundled it',
    (tool) => {
      const entry = join(consumer, 'bundled.mjs');
      writeFileSync(
        entry,
        `import { getBreaker, start } from '@fuseboard/agent';
        import { FakeControlPlane } from '@fuseboard/agent/testing';
        import { breakerFetch } from '@fuseboard/agent/fetch';
        (async () => {${story}
          await breakerFetch('payments')('http://127.0.0.1:1').catch((error) => console.log(error.code));
        })();`,
      );
      const folder = join(root, tool.replaceAll(' ', '-'));
      const script = join(workspace, 'test/package/bundle.ts');
      const bundled = execFileSync(process.execPath, [script, tool, entry, folder], { env: tools, encoding: 'utf8' });
      // What is bundled needs nothing beside it.
      const output = execFileSync(node, [bundled.trim()], { cwd: root, env: tools, encoding: 'utf8' });
      expect(output.trim().split('\n')).toEqual([EXPECTED, 'ERR_FUSEBOARD_OPEN']);
    },
    60_000,
  );

  it('tells its story in a worker, and to a program of TypeScript whose types Node strips', () => {
    writeFileSync(
      join(consumer, 'story.mjs'),
      `import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';${story}`,
    );
    const text = `
      import { Worker } from 'node:worker_threads';
      new Worker(new URL('./story.mjs', import.meta.url));`;
    expect(use('worker.mjs', text)).toBe(EXPECTED);
    const stripped = `import { type Breaker, getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      const typed: Breaker = getBreaker('payments');${story}`;
    writeFileSync(join(consumer, 'story.mts'), stripped);
    const [major, minor] = execFileSync(node, ['-p', 'process.versions.node'], { env: tools, encoding: 'utf8' })
      .split('.')
      .map(Number) as [number, number];
    // Older ones strip no types.
    if (major < 22 || (major === 22 && minor < 6)) return;
    const flags = ['--experimental-strip-types', '--no-warnings', 'story.mts'];
    expect(execFileSync(node, flags, { cwd: consumer, env: tools, encoding: 'utf8' }).trim()).toBe(EXPECTED);
  });

  it('tells its story in a server that Next.js bundled', async () => {
    // Turbopack takes nothing from outside of the folder of the lock file, so neither a link nor a temporary folder.
    const app = join(import.meta.dirname, '.cache/next');
    rmSync(app, { recursive: true, force: true });
    mkdirSync(join(app, 'app/story'), { recursive: true });
    const agent = 'node_modules/@fuseboard/agent';
    cpSync(join(consumer, agent), join(app, agent), { recursive: true });
    writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true }');
    writeFileSync(
      join(app, 'app/story/route.js'),
      `import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      import { breakerFetch } from '@fuseboard/agent/fetch';
      export const dynamic = 'force-dynamic';
      export async function GET() {${story}
        await breakerFetch('payments')('http://127.0.0.1:1').catch((error) => outcomes.push(error.code));
        return new Response(outcomes.join(' '));
      }`,
    );
    const next = join(dirname(createRequire(import.meta.url).resolve('next/package.json')), 'dist/bin/next');
    const env: NodeJS.ProcessEnv = { ...tools, NODE_ENV: 'production', NEXT_TELEMETRY_DISABLED: '1' };
    execFileSync(process.execPath, [next, 'build'], { cwd: app, env, encoding: 'utf8' });
    const server = spawn(node, [next, 'start', '-H', '127.0.0.1', '-p', '0'], { cwd: app, env });
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let said = '';
        server.stdout.on('data', (text) => {
          said += text;
          const [address] = /http:\/\/127\.0\.0\.1:\d+/.exec(said) ?? [];
          if (address !== undefined && said.includes('Ready')) resolve(address);
        });
        server.once('close', () => reject(new Error(`next ended: ${said}`)));
      });
      expect(await (await fetch(`${url}/story`)).text()).toBe(`${EXPECTED} ERR_FUSEBOARD_OPEN`);
    } finally {
      server.kill();
      rmSync(app, { recursive: true, force: true });
    }
  }, 600_000);

  it('tells its story in Deno', () => {
    writeFileSync(
      join(consumer, 'deno.mjs'),
      `import { getBreaker, start } from '@fuseboard/agent';
      import { FakeControlPlane } from '@fuseboard/agent/testing';
      import { breakerFetch } from '@fuseboard/agent/fetch';${story}
      await breakerFetch('payments')('http://127.0.0.1:1').catch((error) => console.log(error.code));`,
    );
    const deno = join(dirname(createRequire(import.meta.url).resolve('deno/package.json')), 'bin.cjs');
    const args = [
      'run',
      '--no-remote',
      '--allow-net=127.0.0.1',
      '--allow-read',
      '--allow-env',
      '--allow-sys',
      'deno.mjs',
    ];
    const env = { ...tools, DENO_NO_UPDATE_CHECK: '1', DENO_DIR: join(root, 'deno-cache') };
    const output = execFileSync(process.execPath, [deno, ...args], { cwd: consumer, env, encoding: 'utf8' });
    expect(output.trim().split('\n')).toEqual([EXPECTED, 'ERR_FUSEBOARD_OPEN']);
  }, 60_000);

  it.each([
    ['publint', (file: string) => ['run', file, '--strict']],
    ['attw', (file: string) => [file, '--no-color']],
  ])('leaves %s nothing to complain about', (tool, args) => {
    const bin = join(workspace, '../node_modules/.bin', tool);
    expect(complaints(bin, ...args(join(root, tarball.filename)))).toBe('');
  });

  it('has types for programs of CommonJS that resolve by the rules of Node 10', () => {
    const program = `
      import { getBreaker, start } from '@fuseboard/agent';
      import { createBreaker, FakeClock } from '@fuseboard/agent/testing';
      export const state: 'closed' | 'open' | 'half-open' = getBreaker('payments').state;
      export const agent = start({ service: 'checkout' });
      export const test = createBreaker({}, { clock: new FakeClock() });
      // @ts-expect-error a threshold is a number
      getBreaker('x', { defaults: { trip: { consecutiveFailures: 'many' } } });
    `;
    writeFileSync(join(consumer, 'old.ts'), program);
    // The newest compiler no longer has these rules.
    const node10 = {
      module: 'commonjs',
      moduleResolution: 'node10',
      target: 'es2022',
      lib: ['es2022'],
      skipLibCheck: true,
    };
    expect(typeErrors(consumer, ['old.ts'], node10, 'typescript-5.4')).toBe('');
    expect(
      typeErrors(
        consumer,
        ['old.ts'],
        { ...node10, module: 'nodenext', moduleResolution: 'nodenext' },
        'typescript-5.4',
      ),
    ).toBe('');
    expect(typeErrors(consumer, ['old.ts'], { module: 'nodenext' })).toBe('');
  });

  it('shows an error of the configuration that nobody catches in a few readable lines', () => {
    const text = `require('@fuseboard/agent').getBreaker('payments', { defaults: { trip: { consecutiveFailures: -1 } } });`;
    writeFileSync(join(consumer, 'uncaught.cjs'), text);
    const { stderr } = spawnSync(node, ['uncaught.cjs'], { cwd: consumer, env: tools, encoding: 'utf8' });
    const lines = stderr.trim().split('\n');
    expect(stderr).toContain('ConfigError: ');
    expect(lines.length).toBeLessThanOrEqual(15);
    expect(lines.filter((line) => line.length > 300)).toEqual([]);
  });

  it('exports exactly what its sources export', async () => {
    const sources = await import('../src/index.ts');
    const text = `import * as all from '@fuseboard/agent'; console.log(Object.keys(all).sort().join());`;
    expect(use('exports.mjs', text)).toBe(Object.keys(sources).sort().join());
  });
});
