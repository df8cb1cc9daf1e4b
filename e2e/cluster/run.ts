import { spawn } from 'node:child_process';

export interface RunOptions {
  readonly input?: string;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A command that ended with another code than 0. */
export class CommandError extends Error {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;

  constructor(command: string, code: number | null, stdout: string, stderr: string) {
    super(`${command} ended with ${code ?? 'a signal'}: ${(stderr.trim() || stdout.trim()).slice(0, 2000)}`);
    this.name = 'CommandError';
    this.code = code;
    this.stdout = stdout;
    this.stderr = stderr;
  }
}

/**
 * Runs a command to its end.
 *
 * @returns what it wrote to stdout.
 * @throws CommandError when it ends with another code than 0; the error of `spawn` when it cannot be started.
 */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: options.cwd, env: options.env ?? process.env });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(options.input ?? '');
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(stdout);
      else reject(new CommandError([command, ...args].join(' '), code, stdout, stderr));
    });
  });
}

/**
 * Tries `attempt` again every 50 ms until it neither throws nor gives false.
 *
 * @returns what it gave.
 * @throws what it threw last, once 20 s (or `timeoutMs`) are over.
 */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 20_000): Promise<T> {
  const begun = performance.now();
  for (;;) {
    try {
      const result = await attempt();
      if (result !== false) return result;
      if (performance.now() - begun > timeoutMs) throw new Error(`not so within ${timeoutMs} ms: ${attempt}`);
    } catch (error) {
      if (performance.now() - begun > timeoutMs) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
