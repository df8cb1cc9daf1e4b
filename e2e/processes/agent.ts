import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Request } from './agent-main.ts';

/** The program of the process. */
export const MAIN = fileURLToPath(new URL('./agent-main.ts', import.meta.url));

/** When a process applied a revision, by its own clock. */
export interface Applied {
  readonly revision: string;
  readonly at: number;
}

/** A change of state that a process told, and when, by its own clock. */
export interface Transition {
  readonly breaker: string;
  readonly from: BreakerView['state'];
  readonly to: BreakerView['state'];
  readonly at: number;
}

/** What a breaker of the process says of itself. */
export interface BreakerView {
  readonly state: 'closed' | 'open' | 'half-open';
  readonly mode: string;
  readonly uid?: string;
  readonly window: { calls: number; failures: number };
  readonly consecutiveFailures: number;
  readonly retryAfterMs: number;
  readonly totals: Record<string, number>;
  readonly policy?: { uid: string; generation: number; name: string; spec: Record<string, never> };
}

/** How a process is started where it is not simply Node with this program. */
export interface Launch {
  readonly execPath: string;
  readonly execArgv: readonly string[];
  readonly main: string;
  readonly environment: Record<string, string>;
}

/** A service as a process of its own, with an agent in it. */
export class AgentProcess {
  readonly applied: Applied[] = [];
  readonly transitions: Transition[] = [];
  /** What the process ran on before it connected. */
  beganWith = '';
  readonly output: string[] = [];
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (reason: Error) => void }>();
  #ids = 0;

  private constructor(environment: Record<string, string>, launch?: Launch) {
    this.#child = fork(launch?.main ?? MAIN, {
      ...(launch && { execPath: launch.execPath }),
      execArgv: [...(launch?.execArgv ?? []), '--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'],
      env: { PATH: process.env.PATH, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.output.push(text));
    }
    type Message = { id?: number; event?: string; result?: never; error?: string } & Applied & Transition;
    this.#child.on('message', (message: Message) => {
      const { event, revision, breaker, from, to, at } = message;
      if (event === 'applied') this.applied.push({ revision, at });
      if (event === 'transition') this.transitions.push({ breaker, from, to, at });
      const pending = message.id === undefined ? undefined : this.#pending.get(message.id);
      if (pending === undefined) return;
      this.#pending.delete(message.id!);
      if (message.error === undefined) pending.resolve(message.result as never);
      else pending.reject(new Error(message.error));
    });
    this.#child.on('exit', () => {
      for (const { reject } of this.#pending.values())
        reject(new Error(`the agent process ended: ${this.output.join('')}`));
    });
  }

  /** Starts a service; `environment` is all that it gets besides PATH. Resolves once it takes orders. */
  static async start(environment: Record<string, string>, launch?: Launch): Promise<AgentProcess> {
    const agent = new AgentProcess({ ...environment, ...launch?.environment }, launch);
    const [ready] = (await once(agent.#child, 'message')) as [{ beganWith: string }];
    agent.beganWith = ready.beganWith;
    return agent;
  }

  /** Makes calls one after the other and says what became of each. */
  call(breaker: string, ...outcomes: ('ok' | 'fail')[]): Promise<('passed' | 'failed' | 'rejected')[]> {
    return this.#ask({ cmd: 'call', breaker, outcomes });
  }

  /** Makes a call that lets the fallback of the policy answer. */
  callAnswered(breaker: string, outcome: 'ok' | 'fail'): Promise<('passed' | 'failed' | 'rejected')[]> {
    return this.#ask({ cmd: 'call', breaker, outcomes: [outcome], optIn: true });
  }

  stats(breaker: string): Promise<BreakerView> {
    return this.#ask({ cmd: 'stats', breaker });
  }

  link(): Promise<{ state: string; revision?: string }> {
    return this.#ask({ cmd: 'link' });
  }

  /** Ends the process; with `clean`, the agent says goodbye first. */
  async end(clean = false): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    if (clean) await this.#ask({ cmd: 'stop' });
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  #ask<T>(request: Request): Promise<T> {
    const id = ++this.#ids;
    return new Promise<T>((resolve, reject) => {
      this.#pending.set(id, { resolve, reject });
      this.#child.send({ id, ...request });
    });
  }
}
