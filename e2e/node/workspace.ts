import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Daemon } from '../cluster/process.ts';
import { run } from '../cluster/run.ts';
import type { Addresses } from './addresses.ts';

const DOWN = fileURLToPath(new URL('down.sh', import.meta.url));

/**
 * The folder, the names and the daemons of one cluster. All of it is removed by `down.sh`: at the end, and also when
 * this process is gone, however it went.
 */
export class Workspace {
  readonly folder: string;
  /** What the names of network namespaces and cgroups begin with. */
  readonly name: string;
  /** Where containerd keeps its sockets: paths of sockets are short. */
  readonly state: string;
  readonly addresses: Addresses;
  readonly #daemons = new Map<string, Daemon>();
  readonly #guard: ReturnType<typeof spawn>;

  private constructor(folder: string, name: string, addresses: Addresses) {
    this.folder = folder;
    this.addresses = addresses;
    this.name = name;
    this.state = join('/run', name);
    const wait = 'trap "" INT TERM HUP; cat >/dev/null; exec "$1" "$2"';
    this.#guard = spawn('/bin/sh', ['-c', wait, 'guard', DOWN, folder], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    this.#guard.unref();
    (this.#guard.stdin as unknown as { unref(): void }).unref();
  }

  static async make(nodes: readonly number[], addresses: Addresses): Promise<Workspace> {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-node-'));
    const name = `fb${randomBytes(3).toString('hex')}`;
    await mkdir(join(folder, 'pids'));
    await writeFile(join(folder, 'name'), name);
    await writeFile(join(folder, 'nodes'), nodes.join(' '));
    const workspace = new Workspace(folder, name, addresses);
    await mkdir(workspace.state);
    return workspace;
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Writes a file below the folder and returns its path. */
  async write(name: string, text: string): Promise<string> {
    await writeFile(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  /** The command that runs another one in the network of a node. */
  inNode(node: number): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.name}-${node}`];
  }

  /** Runs a command in the network of a node. */
  run(node: number, ...command: string[]): Promise<string> {
    const [program, ...args] = [...this.inNode(node), ...command] as [string, ...string[]];
    return run(program, args);
  }

  /** Starts a daemon in the network of a node; its output is in `NAME.log`. */
  async start(name: string, node: number, ...command: string[]): Promise<Daemon> {
    const [program, ...args] = [...this.inNode(node), ...command] as [string, ...string[]];
    const daemon = new Daemon(name, program, args, this.path(`${name}.log`));
    this.#daemons.set(name, daemon);
    await writeFile(this.path('pids', name), `${daemon.pid}`);
    return daemon;
  }

  /** Ends a daemon; nothing when it does not run. */
  async stop(name: string, signal: NodeJS.Signals): Promise<void> {
    await this.#daemons.get(name)?.stop(signal);
    this.#daemons.delete(name);
  }

  /** The end of what each daemon has written. */
  async logTails(): Promise<string> {
    const tails = [...this.#daemons.keys()].map(async (name) => {
      const log = await readFile(this.path(`${name}.log`), 'utf8').catch(() => '');
      return `--- ${name}\n${log.trimEnd().split('\n').slice(-8).join('\n')}`;
    });
    return (await Promise.all(tails)).join('\n');
  }

  /** Ends and removes everything. */
  async remove(): Promise<void> {
    const gone = once(this.#guard, 'exit');
    this.#guard.ref();
    this.#guard.stdin!.end();
    await gone;
  }
}
