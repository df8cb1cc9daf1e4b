import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The program of the process: a service with the agent for Python, which takes a line of JSON for each order. */
export const PYTHON_MAIN = fileURLToPath(new URL('../../agent-python/tests/e2e/service.py', import.meta.url));
/** The sources of the agent for Python; they need nothing but the standard library. */
export const PYTHON_SOURCES = fileURLToPath(new URL('../../agent-python/src', import.meta.url));

/** What a breaker of the process says of itself. */
export interface PythonBreakerView {
  readonly state: 'closed' | 'open' | 'half-open';
  readonly uid: string | null;
  readonly generation: number | null;
  readonly spec: { readonly trip?: { readonly consecutiveFailures?: number } } | null;
  readonly totals: Record<string, number>;
  /** The name of the override that forces it. */
  readonly override: string | null;
}

/** How a process is started where it is not simply `python3` with this program. */
export interface PythonLaunch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** A service in Python as a process of its own, with an agent in it. */
export class PythonAgentProcess {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve: (value: never) => void; reject: (reason: Error) => void }[] = [];
  /** What the process ran on before it connected. */
  beganWith = '';
  /** What it printed besides its answers: warnings and errors. */
  output = '';

  private constructor({ command, args, environment }: PythonLaunch) {
    const env = { PATH: process.env.PATH, PYTHONPATH: PYTHON_SOURCES, PYTHONDONTWRITEBYTECODE: '1', ...environment };
    this.#child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.#child.stdin!.on('error', () => {});
    createInterface(this.#child.stdout!).on('line', (line) =>
      this.#waiting.shift()?.resolve(JSON.parse(line) as never),
    );
    const ended = (why: string) => {
      for (const { reject } of this.#waiting.splice(0))
        reject(new Error(`the service in Python ended (${why}); it needs Python 3.10 or later: ${this.output}`));
    };
    this.#child.once('error', ({ message }) => ended(message));
    this.#child.once('close', (code, signal) => ended(String(code ?? signal)));
  }

  /** Starts a service; `environment` is all that it gets besides PATH. Resolves once it takes orders. */
  static async start(
    environment: Readonly<Record<string, string>>,
    launch?: PythonLaunch,
  ): Promise<PythonAgentProcess> {
    const how = launch ?? { command: 'python3', args: ['-W', 'error', PYTHON_MAIN], environment: {} };
    const agent = new PythonAgentProcess({ ...how, environment: { ...environment, ...how.environment } });
    agent.beganWith = (await agent.#answer<{ beganWith: string }>()).beganWith;
    return agent;
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Makes calls one after the other and says what became of each. */
  call(breaker: string, ...outcomes: ('ok' | 'fail')[]): Promise<('passed' | 'failed' | 'rejected')[]> {
    return this.#ask({ command: 'call', breaker, outcomes });
  }

  stats(breaker: string): Promise<PythonBreakerView> {
    return this.#ask({ command: 'stats', breaker });
  }

  link(): Promise<{ state: string; revision?: string }> {
    return this.#ask({ command: 'link' });
  }

  /** Ends the process; with `clean`, the agent says goodbye first. */
  async end(clean = false): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (clean) await this.#ask({ command: 'stop' });
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  #ask<T>(request: object): Promise<T> {
    const answer = this.#answer<T>();
    this.#child.stdin!.write(`${JSON.stringify(request)}\n`);
    return answer;
  }

  #answer<T>(): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null) {
        reject(new Error(`the service in Python ended: ${this.output}`));
        return;
      }
      this.#waiting.push({ resolve, reject });
    });
  }
}
