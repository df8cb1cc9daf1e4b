import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { eventually, run } from '../cluster/run.ts';
import { type Addresses, addressesOf } from './addresses.ts';
import { findNodeBinaries, type NodeBinaries } from './binaries.ts';
import { ControlPlane } from './control-plane.ts';
import { dnsObjects } from './dns.ts';
import { makeNetwork, noNameServers } from './network.ts';
import { Node } from './node.ts';
import { makePki, writeKubeconfig } from './pki.ts';
import { requireNodes } from './requirements.ts';
import { COREDNS_IMAGE, PAUSE_IMAGE, programImage } from './system-images.ts';
import { Workspace } from './workspace.ts';

export interface NodeClusterOptions {
  /** How many nodes. Absent: 2. */
  readonly nodes?: number;
  /** Archives of images that every node has from the start. */
  readonly images?: readonly string[];
  /** Which addresses nodes, pods and services have, and no others. Absent: IPv4. */
  readonly family?: Addresses['family'];
}

export interface RunInput {
  /** What the command reads from stdin. */
  readonly input?: string;
  /** Further environment variables. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * A real cluster with nodes on which pods run: every program of Kubernetes, containerd and CoreDNS. Each node is a
 * network namespace that leads nowhere else, so commands for the cluster run through `run`, in the network of node 1.
 */
export class NodeCluster {
  readonly nodes: readonly Node[];
  readonly controlPlane: ControlPlane;
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  readonly #workspace: Workspace;
  readonly #binaries: NodeBinaries;

  private constructor(workspace: Workspace, binaries: NodeBinaries, numbers: readonly number[]) {
    this.#workspace = workspace;
    this.#binaries = binaries;
    this.nodes = numbers.map((number) => new Node(number, workspace, binaries));
    this.controlPlane = new ControlPlane(workspace, binaries);
    this.kubeconfig = workspace.path('admin.kubeconfig');
  }

  /**
   * Starts a cluster and waits until its nodes are ready and names are resolved.
   *
   * @throws Error when this machine lacks something, with what and how to install it, or when a part does not start,
   * with the end of its log. Nothing is left behind then.
   */
  static async up({ nodes = 2, images = [], family = 'IPv4' }: NodeClusterOptions = {}): Promise<NodeCluster> {
    await requireNodes(family);
    const binaries = await findNodeBinaries((line) => process.stderr.write(`${line}\n`));
    const numbers = Array.from({ length: nodes }, (_, i) => i + 1);
    const workspace = await Workspace.make(numbers, addressesOf(family));
    const cluster = new NodeCluster(workspace, binaries, numbers);
    try {
      await cluster.#start(numbers, images);
      return cluster;
    } catch (error) {
      const logs = await workspace.logTails();
      await workspace.remove();
      throw new Error(`the cluster does not start: ${(error as Error).message}\n${logs}`, { cause: error });
    }
  }

  /** A folder for the test's own files; removed with the cluster. */
  get folder(): string {
    return this.#workspace.folder;
  }

  /** Runs a command in the network of node 1, as the administrator. */
  run(command: readonly string[], { input, env = {} }: RunInput = {}): Promise<string> {
    const [program, ...args] = [...this.#workspace.inNode(1), ...command] as [string, ...string[]];
    return run(program, args, { input, env: { ...process.env, KUBECONFIG: this.kubeconfig, ...env } });
  }

  /** Runs a command that ends when its stdin does: at the signal. `line` is what it reads before. */
  async runUntil(signal: AbortSignal, command: readonly string[], line: string): Promise<string> {
    const [program, ...args] = [...this.#workspace.inNode(1), ...command] as [string, ...string[]];
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'inherit'],
      env: { ...process.env, KUBECONFIG: this.kubeconfig },
    });
    child.stdin.write(`${line}\n`);
    signal.addEventListener('abort', () => child.stdin.end(), { once: true });
    return text(child.stdout);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.run([this.#binaries.kubectl, '--cache-dir', this.#workspace.path('kubectl'), ...args]);
  }

  async apply(...objects: readonly object[]): Promise<void> {
    const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
    await this.run([this.#binaries.kubectl, 'apply', '-f', '-'], { input });
  }

  /** Posts an object to a path of the API server. */
  create(path: string, object: object): Promise<string> {
    return this.run([this.#binaries.kubectl, 'create', '--raw', path, '-f', '-'], { input: JSON.stringify(object) });
  }

  /** What kubectl gets, as JSON. */
  async get<T>(...args: readonly string[]): Promise<T> {
    return JSON.parse(await this.kubectl('get', ...args, '-o', 'json')) as T;
  }

  /** What a daemon, such as `api-server`, has written so far. */
  log(daemon: string): Promise<string> {
    return readFile(this.#workspace.path(`${daemon}.log`), 'utf8');
  }

  /** Writes a kubeconfig that uses a token and returns its path. */
  kubeconfigFor(name: string, token: string): Promise<string> {
    return writeKubeconfig(this.#workspace, name, token);
  }

  node(name: string): Node {
    const found = this.nodes.find((node) => node.name === name);
    if (!found)
      throw new Error(`there is no node ${name}; there are ${this.nodes.map((node) => node.name).join(', ')}`);
    return found;
  }

  /** What to type to run a command on the cluster. */
  describe(): string {
    const enter = this.#workspace.inNode(1).join(' ');
    return `KUBECONFIG=${this.kubeconfig} ${enter} ${this.#binaries.kubectl} get pods -A`;
  }

  /** Ends and removes everything. */
  down(): Promise<void> {
    return this.#workspace.remove();
  }

  async #start(numbers: readonly number[], images: readonly string[]): Promise<void> {
    const archives = [
      await programImage(this.#binaries.pause, PAUSE_IMAGE),
      await programImage(this.#binaries.coredns, COREDNS_IMAGE),
      ...images,
    ];
    await makeNetwork(this.#workspace, numbers);
    await noNameServers(this.#workspace);
    await makePki(this.#workspace, numbers);
    await Promise.all([this.controlPlane.start(), ...this.nodes.map((node) => node.startRuntime(archives))]);
    await this.apply(...dnsObjects(this.#workspace.addresses.dnsService));
    await Promise.all(this.nodes.map((node) => node.start()));
    await eventually(() => this.kubectl('get', 'node', ...this.nodes.map(({ name }) => name)), 60_000);
    await this.kubectl('wait', '--for=condition=Ready', '--timeout=90s', 'node', '--all');
    await this.kubectl('rollout', 'status', 'deployment/coredns', '-n', 'kube-system', '--timeout=120s');
  }
}
