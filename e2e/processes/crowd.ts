import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Seat, Standing } from './crowd-main.ts';

const MAIN = fileURLToPath(new URL('./crowd-main.ts', import.meta.url));

/** A process with many agents that call all the time. */
export class Crowd {
  readonly #child: ChildProcess;
  #ids = 0;

  constructor(seats: readonly Seat[]) {
    this.#child = fork(MAIN, [JSON.stringify(seats)], {
      execArgv: ['--conditions=fuseboard-source', '--disable-warning=ExperimentalWarning'],
      env: { PATH: process.env.PATH },
    });
    this.#child.setMaxListeners(0);
  }

  standing(): Promise<Standing> {
    this.#ids += 1;
    const id = this.#ids;
    return new Promise((resolve, reject) => {
      const hear = (message: { id: number; standing: Standing }) => {
        if (message.id !== id) return;
        this.#child.off('message', hear);
        resolve(message.standing);
      };
      this.#child.on('message', hear);
      this.#child.once('exit', () => reject(new Error('the crowd ended')));
      this.#child.send(id);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}
