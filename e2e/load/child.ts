import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** What is not TypeScript was built, and finds what was built. */
const flags = (main: URL) =>
  main.pathname.endsWith('.ts') ? ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'] : [];

export interface ChildOptions {
  readonly nodeArgs?: readonly string[];
  readonly args?: readonly string[];
  /** All that it gets besides PATH. */
  readonly environment?: Readonly<Record<string, string>>;
  /** Takes each line of the output; absent: it is thrown away. */
  readonly line?: (text: string) => void;
}

/** A process of the run that answers requests over IPC. It ends with the run. */
export class Child<R extends object> {
  readonly #process: ChildProcess;
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (reason: Error) => void }>();
  #ids = 0;

  constructor(main: URL, { nodeArgs = [], args = [], environment, line }: ChildOptions = {}) {
    this.#process = spawn(process.execPath, [...flags(main), ...nodeArgs, fileURLToPath(main), ...args], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', line ? 'pipe' : 'ignore', 'inherit', 'ipc'],
    });
    let rest = '';
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop()!;
      for (const one of lines) line?.(one);
    });
    this.#process.on('message', ({ id, result, error }: { id: number; result?: never; error?: string }) => {
      const pending = this.#pending.get(id);
      this.#pending.delete(id);
      if (error === undefined) pending?.resolve(result as never);
      else pending?.reject(new Error(error));
    });
    this.#process.on('exit', (code, signal) => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`a process of the run ended with ${code ?? signal}`));
    });
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  ask<T>(request: R): Promise<T> {
    const id = ++this.#ids;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#process.send({ id, ...request });
    });
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.ended) return;
    const exit = once(this.#process, 'exit');
    this.#process.kill(signal);
    await exit;
  }
}
