import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Act, Run } from './behaviour-main.ts';

const MAIN = fileURLToPath(new URL('./behaviour-main.ts', import.meta.url));

/** A service as a process of its own that puts its breakers through timed outcomes. */
export class BehaviourProcess {
  readonly #child: ChildProcess;
  #ids = 0;

  private constructor(environment: Record<string, string>) {
    this.#child = fork(MAIN, {
      execArgv: ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'],
      env: { PATH: process.env.PATH, ...environment },
    });
    this.#child.setMaxListeners(0);
  }

  static async start(environment: Record<string, string>): Promise<BehaviourProcess> {
    const started = new BehaviourProcess(environment);
    await once(started.#child, 'message');
    return started;
  }

  /** Resolves with what each act met. Without `defaults` it waits until a policy governs the breaker. */
  run(breaker: string, acts: readonly Act[], defaults?: object): Promise<string[]> {
    const request: Run = { id: ++this.#ids, breaker, acts, ...(defaults === undefined ? {} : { defaults }) };
    return new Promise((resolve, reject) => {
      const hear = ({ id, met, error }: { id: number; met?: string[]; error?: string }) => {
        if (id !== request.id) return;
        this.#child.off('message', hear);
        if (met === undefined) reject(new Error(error));
        else resolve(met);
      };
      this.#child.on('message', hear);
      this.#child.once('exit', () => reject(new Error('the process ended')));
      this.#child.send(request);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
