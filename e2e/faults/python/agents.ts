import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Life } from '../agent-worker.ts';

const MAIN = fileURLToPath(new URL('agent.py', import.meta.url));
const AGENT = fileURLToPath(new URL('../../../agent-python/src', import.meta.url));

/** The program that runs agents for Python; they need nothing but its standard library. */
const PYTHON = 'python3';

/** Agents for Python, each a process of its own. */
export class PythonAgents {
  readonly #processes = new Map<string, ChildProcess>();

  /** Resolves when the agent has its first policies, if it has any, and makes calls. */
  async start(life: Life, environment: Readonly<Record<string, string>>): Promise<void> {
    const child = spawn(PYTHON, [MAIN, JSON.stringify(life)], {
      env: { PATH: process.env.PATH, PYTHONPATH: AGENT, PYTHONDONTWRITEBYTECODE: '1', ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#processes.set(life.agent, child);
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`${PYTHON} ended with ${code ?? signal} before its agent was born; it has to be 3.10 or later`);
    });
    ended.catch(() => {});
    await Promise.race([once(child.stdout, 'data'), ended]);
  }

  async kill(agent: string): Promise<void> {
    const child = this.#processes.get(agent);
    this.#processes.delete(agent);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  }

  async end(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((agent) => this.kill(agent)));
  }
}
