/**
 * Holds a running operator against the description of its HTTP API, by schemathesis: each port with sound and unsound
 * requests, and no answer may be one that the description does not know.
 *
 * `npm run fuzz:http -- --examples 200 --seed 7 --only agents`
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { CACHE_DIR } from '../e2e/cluster/cache.ts';
import { OperatorProcess } from '../e2e/processes/operator.ts';
import { passOn } from './passing.ts';

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const { values } = parseArgs({
  options: {
    examples: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    only: { type: 'string' },
  },
});

/** Schemathesis in a Python environment of its own, made once for what is required. */
function schemathesis(): string {
  const requirements = here('requirements.txt');
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const folder = join(CACHE_DIR, `schemathesis-${hash}`);
  const program = join(folder, 'bin', 'st');
  if (existsSync(join(folder, 'complete'))) return program;
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  run(join(folder, 'bin', 'pip'), ['install', '--quiet', '--disable-pip-version-check', '-r', requirements]);
  mkdirSync(join(folder, 'complete'));
  return program;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw new Error(`${command} cannot be run: ${error.message}; install Python 3.10 or later with venv`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}

/** Holds one port against the part of the description that has its name; 0 when every answer was right. */
async function hold(program: string, name: string, url: string): Promise<number | null> {
  const args = ['--config-file', here('schemathesis.toml'), 'run', here('../docs/openapi.yaml')];
  const chosen = ['--url', url, '--include-tag', name, '--max-examples', values.examples, '--seed', values.seed];
  const child = spawn(program, [...args, ...chosen, '--checks', 'all', '--no-color', '--request-timeout', '20'], {
    stdio: 'inherit',
    cwd: CACHE_DIR,
    env: { ...process.env, SCHEMATHESIS_HOOKS: 'hooks', PYTHONPATH: here('.') },
  });
  const [status] = (await once(child, 'close')) as [number | null];
  return status;
}

/** Opens the stream of an agent, so that there is one whose reports are taken. */
async function connect(url: string): Promise<AbortController> {
  const ended = new AbortController();
  const query = `service=fuzz&instance=fuzz&boot=${'a'.repeat(32)}`;
  const response = await fetch(`${url}/v1/stream?${query}`, { signal: ended.signal });
  if (!response.ok) throw new Error(`the stream of an agent is refused: ${response.status} ${await response.text()}`);
  return ended;
}

/** Ends with how many ports answered wrongly. */
async function main(): Promise<number> {
  const program = schemathesis();
  const operator = await OperatorProcess.start(`--policies=${here('../examples/policies')}`);
  const agents = await passOn(new URL(operator.url));
  const ports = {
    agents: agents.url,
    metrics: `http://127.0.0.1:${operator.metricsPort}`,
    admin: `http://127.0.0.1:${operator.adminPort}`,
  };
  const agent = await connect(operator.url);
  let wrong = 0;
  try {
    for (const [name, url] of Object.entries(ports)) {
      if (values.only !== undefined && values.only !== name) continue;
      console.log(`\n== ${name} (--seed ${values.seed})`);
      const status = await hold(program, name, url);
      if (status !== 0) wrong += 1;
      await operator.ready();
    }
  } finally {
    agent.abort();
    agents.close();
    await operator.end('SIGTERM');
  }
  const inside = operator.log.split('\n').filter((line) => line.includes('cannot answer'));
  if (inside.length > 0) console.error(`the operator failed inside:\n${inside.slice(0, 5).join('\n')}`);
  return wrong + inside.length;
}

process.exitCode = (await main()) === 0 ? 0 : 1;
