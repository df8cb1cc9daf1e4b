import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const REQUIREMENTS = fileURLToPath(new URL('python/requirements.txt', import.meta.url));

/**
 * Makes the virtual environment of the services in Python, once for what is required, below
 * `$XDG_CACHE_HOME/fuseboard`, else `~/.cache/fuseboard`.
 *
 * @returns the program of its Python.
 * @throws Error when `python3` with venv is missing, or the requirements cannot be installed.
 */
export function pythonEnvironment(): string {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'fuseboard');
  const hash = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 16);
  const folder = join(cache, `offer-demo-python-${hash}`);
  const python = join(folder, 'bin', 'python');
  if (existsSync(join(folder, 'complete'))) return python;
  rmSync(folder, { recursive: true, force: true });
  run('python3', ['-m', 'venv', folder]);
  run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', REQUIREMENTS]);
  mkdirSync(join(folder, 'complete'));
  return python;
}

function run(command: string, args: readonly string[]): void {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit' });
  if (error) throw new Error(`${command} cannot be run: ${error.message}; install Python 3.10 or later with venv`);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}`);
}
