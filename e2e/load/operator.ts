import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { freePort } from '../../examples/offer-demo/address.ts';
import { eventually } from '../cluster/run.ts';
import { Child } from './child.ts';
import type { Cost, Holdings, Request } from './inspect.ts';
import { monotonic } from './monotonic.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const INSPECT = new URL('./inspect.ts', import.meta.url);

interface Program {
  readonly main: URL;
  /** See `inspect.ts`. */
  readonly inspect: URL;
  readonly nodeArgs: readonly string[];
}

const SOURCES: Program = {
  main: new URL('../../operator/src/main.ts', import.meta.url),
  inspect: INSPECT,
  nodeArgs: [],
};

/** What the load is put on. */
export interface Target {
  readonly url: string;
  /**
   * What it costs now; absent where it does not tell. With `collect`, after a garbage collection where that can be
   * asked for.
   */
  cost(collect?: boolean): Promise<Cost | undefined>;
  /** When it last began to distribute a change, in wall clock ms; absent where it does not tell. */
  readonly distributedAt: number | undefined;
}

/** An operator that the run starts, on ports that stay the same over restarts. */
export class StartedOperator implements Target {
  readonly #program: Program;
  readonly #args: readonly string[];
  readonly #port: number;
  readonly #metricsPort: number;
  #child: Child<Request> | undefined;
  #log: string[] = [];
  distributedAt: number | undefined;
  /** What it wrote to its log since it was launched. */
  logBytes = 0;

  private constructor(program: Program, args: readonly string[], [port, metrics, admin]: readonly number[]) {
    this.#program = program;
    this.#port = port!;
    this.#metricsPort = metrics!;
    const ports = [`--port=${port}`, `--metrics-port=${metrics}`, `--admin-port=${admin}`];
    const own = args.map((arg) => arg.replace('$URL', this.url));
    this.#args = ['serve', '--agent-auth=none', '--log-format=json', ...ports, ...own];
  }

  /** Starts `fuseboard serve` with `args`, in which `$URL` stands for its own address, and waits until it is ready. */
  static async start(...args: string[]): Promise<StartedOperator> {
    return StartedOperator.#start(SOURCES, args);
  }

  /** As `start`, but what the image holds, as the image starts it in a container with so much memory, in MiB. */
  static async startImage(memoryMib: number, ...args: string[]): Promise<StartedOperator> {
    return StartedOperator.#start(image(memoryMib), args);
  }

  static async #start(program: Program, args: readonly string[]): Promise<StartedOperator> {
    const operator = new StartedOperator(program, args, await Promise.all([freePort(), freePort(), freePort()]));
    operator.launch();
    await operator.ready();
    return operator;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  launch(): void {
    const { main, inspect, nodeArgs } = this.#program;
    this.#child = new Child<Request>(main, {
      nodeArgs: ['--expose-gc', `--import=${inspect}`, ...nodeArgs],
      args: this.#args,
      line: (text) => this.#read(text),
    });
  }

  /** Resolves once `/readyz` answers 200, to the time at which it did. */
  async ready(): Promise<number> {
    await eventually(async () => {
      if (this.#child!.ended) throw new Error(`the operator ended:\n${this.#log.join('\n')}`);
      return (await fetch(`http://127.0.0.1:${this.#metricsPort}/readyz`)).ok;
    }, 60_000);
    return monotonic();
  }

  async cost(collect = false): Promise<Cost> {
    return this.#child!.ask<Cost>({ cmd: 'cost', collect });
  }

  async holds(): Promise<Holdings> {
    return this.#child!.ask<Holdings>({ cmd: 'holds' });
  }

  /** Profiles the CPU while `work` runs, into a file. */
  async profiled<T>(file: string | undefined, work: () => Promise<T>): Promise<T> {
    if (file === undefined) return work();
    await this.#child!.ask({ cmd: 'profile' });
    const result = await work();
    await this.#child!.ask({ cmd: 'profiled', file });
    return result;
  }

  /** Its metrics, as text. */
  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.#metricsPort}/metrics`)).text();
  }

  async kill(): Promise<void> {
    await this.#child?.end();
  }

  /** Whether its process is there. */
  get lives(): boolean {
    return this.#child?.ended === false;
  }

  /** Whether a probe of the chart passes, which gives an answer so much time. */
  async passesProbe(path: '/livez' | '/readyz', withinMs: number): Promise<boolean> {
    const url = `http://127.0.0.1:${this.#metricsPort}${path}`;
    return fetch(url, { signal: AbortSignal.timeout(withinMs) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  #read(text: string): void {
    this.logBytes += text.length + 1;
    this.#log = [...this.#log.slice(-20), text];
    if (!text.includes('"policy changed"')) return;
    this.distributedAt = new Date((JSON.parse(text) as { time: number | string }).time).getTime();
  }
}

/**
 * What the image holds, in a temporary folder that is removed when this process exits. Nothing in it is TypeScript:
 * its compiler would count as memory of the operator.
 */
function image(memoryMib: number): Program {
  const folder = mkdtempSync(join(tmpdir(), 'fuseboard-image-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const app = join(folder, 'app');
  execFileSync(process.execPath, [join(ROOT, 'scripts/image.ts'), app], { cwd: ROOT, stdio: 'inherit' });
  const inspect = join(folder, 'inspect.mjs');
  writeFileSync(inspect, stripTypeScriptTypes(readFileSync(INSPECT, 'utf8')));
  const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
  const entry: string[] = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)![1]!);
  return {
    main: pathToFileURL(join(app, entry.at(-1)!.replace('/app/', ''))),
    inspect: pathToFileURL(inspect),
    nodeArgs: entry
      .filter((flag) => flag.startsWith('--'))
      .map((flag) =>
        flag.replace(
          /^--max-old-space-size-percentage=(\d+)$/,
          (_, share) => `--max-old-space-size=${Math.floor((memoryMib * Number(share)) / 100)}`,
        ),
      ),
  };
}

/** An operator that runs already, and tells what it costs by its metrics. */
export function runningOperator(url: string, metricsUrl: string | undefined): Target {
  return {
    url,
    distributedAt: undefined,
    async cost() {
      if (metricsUrl === undefined) return undefined;
      const text = await (await fetch(new URL('/metrics', metricsUrl))).text();
      const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
      return {
        rssBytes: value('process_resident_memory_bytes'),
        heapBytes: value('nodejs_heap_size_used_bytes'),
        cpuMs: value('process_cpu_seconds_total') * 1_000,
      };
    },
  };
}
