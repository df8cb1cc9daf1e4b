import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { freePort } from '../../examples/offer-demo/address.ts';
import { eventually, run } from '../cluster/run.ts';

/** What Node needs to run the sources. */
export const NODE_FLAGS = ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'];
/** The command line, as a source. */
export const MAIN = fileURLToPath(new URL('../../operator/src/main.ts', import.meta.url));
/** Believes everybody; what a test gives comes later and wins. */
const OPEN = ['--agent-auth=none', '--admin-auth=none'];

/** What surrounds the operator's own command line. */
export interface ProcessEnvironment {
  /** What its process gets besides PATH. Absent: nothing. */
  readonly environment?: Readonly<Record<string, string>>;
  /** A module that is loaded before its own code. */
  readonly preload?: URL;
}

/** The operator as a process of its own, on ports that stay the same over restarts. */
export class OperatorProcess {
  readonly #args: readonly string[];
  readonly #environment: ProcessEnvironment;
  readonly agentsPort: number;
  readonly metricsPort: number;
  readonly adminPort: number;
  #child: ChildProcess | undefined;
  #closed: Promise<unknown> | undefined;
  #log = '';

  private constructor(args: readonly string[], ports: readonly number[], environment: ProcessEnvironment) {
    [this.agentsPort, this.metricsPort, this.adminPort] = ports as [number, number, number];
    this.#args = args;
    this.#environment = environment;
  }

  /**
   * Starts `fuseboard serve` with `args`, in which `$URL` stands for its own address and `$PORT` for the agents' port,
   * and waits until it is ready.
   */
  static async start(...args: string[]): Promise<OperatorProcess> {
    const operator = await OperatorProcess.launched(...args);
    await operator.ready();
    return operator;
  }

  /** The same, without waiting: it may never become ready. */
  static async launched(...args: string[]): Promise<OperatorProcess> {
    return OperatorProcess.within({}, ...args);
  }

  /** The same, with an environment of its own. */
  static async within(environment: ProcessEnvironment, ...args: string[]): Promise<OperatorProcess> {
    const operator = new OperatorProcess(args, await Promise.all([freePort(), freePort(), freePort()]), environment);
    operator.launch();
    return operator;
  }

  /** Starts the process (again). */
  launch(): void {
    const ports = [`--port=${this.agentsPort}`, `--metrics-port=${this.metricsPort}`, `--admin-port=${this.adminPort}`];
    const own = this.#args.map((arg) => arg.replace('$URL', this.url).replace('$PORT', String(this.agentsPort)));
    const { environment, preload } = this.#environment;
    const flags = preload === undefined ? NODE_FLAGS : [...NODE_FLAGS, `--import=${preload}`];
    const child = spawn(process.execPath, [...flags, MAIN, 'serve', ...OPEN, ...ports, ...own], {
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
    this.#child = child;
    this.#closed = once(child, 'close');
  }

  /** Resolves once `/readyz` answers 200. */
  async ready(): Promise<void> {
    await eventually(async () => {
      if (this.#child?.exitCode != null) throw new Error(`the operator ended:\n${this.#log}`);
      return (await fetch(`http://127.0.0.1:${this.metricsPort}/readyz`)).ok;
    }, 90_000);
  }

  /** Whether the process is gone. */
  get ended(): boolean {
    return this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.agentsPort}`;
  }

  get log(): string {
    return this.#log;
  }

  /** Asks the admin API; with a token, as its owner. */
  async admin<T>(path: string, token?: string): Promise<T> {
    const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const response = await fetch(`http://127.0.0.1:${this.adminPort}${path}`, { headers });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
    return (await response.json()) as T;
  }

  /** Runs another command of the command line and resolves with what it printed. */
  command(...args: string[]): Promise<string> {
    return run(process.execPath, [...NODE_FLAGS, MAIN, ...args]);
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

  /** Resolves with the exit code of a process that ends by itself. */
  async exit(): Promise<number | null> {
    await this.#closed;
    return this.#child!.exitCode;
  }

  /** Ends the process with a signal and resolves with its exit code; null when the signal ended it. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (child === undefined || this.ended) return child?.exitCode ?? null;
    const exit = once(child, 'exit');
    child.kill(signal);
    const [code] = (await exit) as [number | null];
    return code;
  }
}
