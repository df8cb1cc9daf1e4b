import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A server process whose output goes to a file. */
export class Daemon {
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #logFile: string;
  readonly #ended: Promise<unknown>;

  constructor(name: string, command: string, args: readonly string[], logFile: string) {
    this.#name = name;
    this.#logFile = logFile;
    this.#child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const log = createWriteStream(logFile, { flags: 'a' });
    this.#child.stdout!.pipe(log, { end: false });
    this.#child.stderr!.pipe(log, { end: false });
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', resolve);
      this.#child.once('error', resolve);
    }).finally(() => log.end());
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  /**
   * Asks again and again until `ready` says yes; throws with the end of the log when the process ends before that, or
   * after 60 s.
   */
  async until(ready: () => Promise<boolean>): Promise<void> {
    const begun = performance.now();
    while (!(await ready().catch(() => false))) {
      const gone = this.#child.exitCode !== null || this.#child.signalCode !== null || this.pid === undefined;
      if (gone || performance.now() - begun > 60_000) {
        const tail = (await readFile(this.#logFile, 'utf8').catch(() => '')).slice(-3000);
        throw new Error(
          `${this.#name} ${gone ? 'ended' : 'is not ready after 60 s'}; the end of ${this.#logFile}:\n${tail}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  /** Ends the process and waits until it is gone. */
  async stop(signal: NodeJS.Signals): Promise<void> {
    this.#child.kill(signal);
    await this.#ended;
  }
}

/**
 * Kills the processes whose ids it was told when this process is gone, however it went: a test that is killed leaves
 * no server behind.
 */
export class Reaper {
  readonly #child: ChildProcess;

  constructor(folder: string) {
    const script = 'while read -r pid; do pids="$pids $pid"; done; kill -9 $pids; rm -rf "$0"';
    this.#child = spawn('/bin/sh', ['-c', script, folder], { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
    this.#child.stdin!.on('error', () => {});
    this.#child.unref();
  }

  watch(pid: number | undefined): void {
    if (pid !== undefined) this.#child.stdin!.write(`${pid}\n`);
  }

  /** Nothing is left to kill. */
  dismiss(): void {
    this.#child.kill('SIGKILL');
    this.#child.stdin!.destroy();
  }
}
