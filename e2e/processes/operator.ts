import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../cluster/process.ts';
import { eventually, run } from '../cluster/run.ts';

const FLAGS = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'];
const MAIN = fileURLToPath(new URL('../../operator/src/main.ts', import.meta.url));

/** The operator as a process of its own, on ports that stay the same over restarts. */
export class OperatorProcess {
  readonly #args: readonly string[];
  readonly agentsPort: number;
  readonly metricsPort: number;
  readonly adminPort: number;
  #child: ChildProcess | undefined;
  #log = '';

  private constructor(args: readonly string[], ports: readonly number[]) {
    [this.agentsPort, this.metricsPort, this.adminPort] = ports as [number, number, number];
    this.#args = args;
  }

  /** Starts `fuseboard serve` with `args`, in which `$URL` stands for its own address and `$PORT` for the agents' port, and waits until it is ready. */
  static async start(...args: string[]): Promise<OperatorProcess> {
    const operator = await OperatorProcess.launched(...args);
    await operator.ready();
    return operator;
  }

  /** The same, without waiting: it may never become ready. */
  static async launched(...args: string[]): Promise<OperatorProcess> {
    const operator = new OperatorProcess(args, await Promise.all([freePort(), freePort(), freePort()]));
    operator.launch();
    return operator;
  }

  /** Starts the process (again). */
  launch(): void {
    const ports = [`--port=${this.agentsPort}`, `--metrics-port=${this.metricsPort}`, `--admin-port=${this.adminPort}`];
    const own = this.#args.map((arg) => arg.replace('$URL', this.url).replace('$PORT', String(this.agentsPort)));
    const child = spawn(process.execPath, [...FLAGS, MAIN, 'serve', '--agent-auth=none', ...ports, ...own], {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#child = child;
  }

  /** Resolves once `/readyz` answers 200. */
  async ready(): Promise<void> {
    await eventually(async () => {
      if (this.#child?.exitCode != null) throw new Error(`the operator ended:\n${this.#log}`);
      return (await fetch(`http://127.0.0.1:${this.metricsPort}/readyz`)).ok;
    }, 90_000);
  }

  get url(): string {
    return `http://127.0.0.1:${this.agentsPort}`;
  }

  get log(): string {
    return this.#log;
  }

  async admin<T>(path: string): Promise<T> {
    const response = await fetch(`http://127.0.0.1:${this.adminPort}${path}`);
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Runs another command of the command line and resolves with what it printed. */
  command(...args: string[]): Promise<string> {
    return run(process.execPath, [...FLAGS, MAIN, ...args]);
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.metricsPort}/metrics`)).text();
  }

  /** Stops the process where it is, until `resume`. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends the process with a signal and resolves with its exit code; null when the signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }
}
