import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseDocument } from 'yaml';
import { eventually } from '../cluster/run.ts';

const START = fileURLToPath(new URL('../../examples/offer-demo/start.ts', import.meta.url));
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The demo, as `npm start` runs it, on any free ports; what it prints is all that is known of it. */
export class Demo {
  readonly #child: ChildProcess;
  #said = '';

  private constructor(child: ChildProcess) {
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => (this.#said += text));
    }
  }

  static async start(): Promise<Demo> {
    const args = ['--conditions=fuseboard-source', START, '--any-ports'];
    const demo = new Demo(spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] }));
    await eventually(async () => {
      if (demo.#child.exitCode !== null) throw new Error(`the demo ended:\n${demo.#said}`);
      return demo.#said.includes('Ctrl-C ends all of it');
    }, 90_000);
    return demo;
  }

  /** Where the page is. */
  get pageUrl(): string {
    return this.#found(/See it at (\S+)/);
  }

  /** Asks for so many offers, one after the other. */
  async offers(count: number): Promise<void> {
    const url = this.#found(/curl (http:\S+\/offer)\n/);
    for (let i = 0; i < count; i += 1) await (await fetch(url)).text();
  }

  /** Asks for one offer: hot from the partner, cold where it was not asked or failed. */
  async temperature(): Promise<string> {
    const answer = await fetch(this.#found(/curl (http:\S+\/offer)\n/));
    return ((await answer.json()) as { temperature: string }).temperature;
  }

  /** Makes the partner fail, or well again. */
  async partner(failing: boolean): Promise<void> {
    const url = this.#found(/curl (http:\S+\/switch)/);
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ failing }) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** Saves another threshold to the file that the operator watches. */
  threshold(failures: number): void {
    const file = `${ROOT}${this.#found(/edit (\S+)/)}`;
    const document = parseDocument(readFileSync(file, 'utf8'));
    document.setIn(['spec', 'trip', 'consecutiveFailures'], failures);
    writeFileSync(file, document.toString());
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGINT');
    await exit;
  }

  #found(pattern: RegExp): string {
    const found = pattern.exec(this.#said)?.[1];
    if (found === undefined) throw new Error(`the demo does not say ${pattern}:\n${this.#said}`);
    return found;
  }
}
