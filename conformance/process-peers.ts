import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { MissingPeer, type Peer } from './peer.ts';
import type { Observation, Step } from './sequence.ts';

const run = promisify(execFile);
const HERE = fileURLToPath(new URL('.', import.meta.url));
const CACHE = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'fuseboard', 'conformance');

/** A program that answers each line of JSON with one. */
export class LineProcess {
  readonly #child: ChildProcess;
  readonly #waiting: { resolve(answer: unknown): void; reject(error: Error): void }[] = [];
  #errors = '';

  constructor(command: string, args: readonly string[]) {
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => {
      this.#waiting.shift()?.resolve(JSON.parse(line));
    });
    this.#child.stderr!.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    this.#child.on('exit', (code) => {
      for (const { reject } of this.#waiting.splice(0)) {
        reject(new Error(`${command} ended with ${code}: ${this.#errors}`));
      }
    });
  }

  ask(question: object): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (this.#child.exitCode !== null) {
        reject(new Error(`the peer has ended: ${this.#errors}`));
        return;
      }
      this.#waiting.push({ resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify(question)}\n`);
    });
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.stdin!.end();
    await exit;
  }
}

/**
 * Starts the Python libraries, all of them in one process. @throws {MissingPeer} when Python or its packages cannot be
 * had.
 */
export async function startPython(): Promise<LineProcess> {
  const python = await built('python', ['python/requirements.txt'], async (folder) => {
    await run('python3', ['-m', 'venv', folder]);
    const pip = join(folder, 'bin', 'pip');
    await run(pip, ['install', '--quiet', '--disable-pip-version-check', '-r', join(HERE, 'python/requirements.txt')]);
  });
  return new LineProcess(join(python, 'bin', 'python'), [join(HERE, 'python/peers.py')]);
}

/** Starts the Go library. @throws {MissingPeer} when Go cannot be had. */
export async function startGo(): Promise<LineProcess> {
  const sources = readdirSync(join(HERE, 'go')).map((name) => `go/${name}`);
  const folder = await built('go', sources, async (target) => {
    await mkdir(target, { recursive: true });
    await run('go', ['test', '-c', '-o', join(target, 'peer'), '.'], { cwd: join(HERE, 'go') });
  });
  return new LineProcess(join(folder, 'peer'), ['-test.run=TestPeer', '-test.timeout=0']);
}

/** A library in a process, as a peer. */
export function processPeer(name: string, process: LineProcess): Peer {
  return {
    name,
    replay: async (config, steps: readonly Step[]) =>
      (await process.ask({ peer: name, config, steps })) as Observation[],
    end: () => process.end(),
  };
}

/** A folder that is made once for the content of some files, and found again by the next run. */
async function built(name: string, sources: string[], make: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources.sort()) hash.update(readFileSync(join(HERE, source)));
  const folder = join(CACHE, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(join(folder, 'complete'))) return folder;
  await rm(folder, { recursive: true, force: true });
  try {
    await mkdir(CACHE, { recursive: true });
    await make(folder);
    await mkdir(join(folder, 'complete'));
    return folder;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    throw new MissingPeer(`${name} peers cannot be made: ${stderr?.trim() || message}`);
  }
}
