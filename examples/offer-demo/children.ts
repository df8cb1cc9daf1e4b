import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ATTACHED = fileURLToPath(new URL('attached.ts', import.meta.url));

/** How long a process may take to end by itself, in milliseconds, before it is killed. */
const PATIENCE_MS = 5_000;

/** The processes that this one started, and ends. */
export class Children {
  readonly #running = new Map<string, ChildProcess>();
  readonly #line: (name: string, line: string) => void;
  #ending = false;

  /** Called when a process ends that nobody asked to. */
  onLost: (name: string, how: string) => void = () => {};

  /** @param line takes every line that a process writes. */
  constructor(line: (name: string, line: string) => void) {
    this.#line = line;
  }

  /** Starts a TypeScript file with arguments, as a process that ends with this one. @returns its pid. */
  start(name: string, file: URL, args: readonly string[], env: Readonly<Record<string, string>> = {}): number {
    const node = ['--conditions=fuseboard-source', '--import', ATTACHED, fileURLToPath(file), ...args];
    const options = { env: { ...process.env, ...env } };
    return this.#follow(name, spawn(process.execPath, node, { ...options, stdio: ['ignore', 'pipe', 'pipe', 'ipc'] }));
  }

  /** Starts a file of Python, as a process that ends with this one: its standard input ends. @returns its pid. */
  startPython(name: string, python: string, file: URL, env: Readonly<Record<string, string>>): number {
    const options = { env: { ...process.env, ...env } };
    return this.#follow(name, spawn(python, [fileURLToPath(file)], { ...options, stdio: ['pipe', 'pipe', 'pipe'] }));
  }

  #follow(name: string, child: ChildProcess): number {
    this.#running.set(name, child);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface({ input: stream }).on('line', (line) => this.#line(name, line));
    }
    child.once('error', (error) => this.#line(name, error.message));
    child.once('exit', (code, signal) => {
      this.#running.delete(name);
      if (!this.#ending) this.onLost(name, signal ?? `exit code ${code}`);
    });
    return child.pid!;
  }

  /** Asks every process to end, kills those that do not, and resolves when none is left. */
  async end(): Promise<void> {
    this.#ending = true;
    const gone = [...this.#running.values()].map(
      (child) =>
        new Promise<void>((resolve) => {
          const force = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
          child.once('exit', () => {
            clearTimeout(force);
            resolve();
          });
          child.kill('SIGTERM');
        }),
    );
    await Promise.all(gone);
  }
}
