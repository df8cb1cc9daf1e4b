import { spawn } from 'node:child_process';
import type { Cluster } from '../cluster/cluster.ts';

interface Container {
  readonly args?: readonly string[];
  readonly env?: readonly { readonly name: string; readonly value: string }[];
}

interface Item {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly generation?: number };
  readonly spec: { readonly replicas?: number; readonly containers?: readonly Container[] };
  readonly status?: { readonly phase?: string; readonly observedGeneration?: number };
}

export interface StandInOptions {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** What the environment of a container says here: addresses and paths of this machine. */
  readonly environment: (name: string, value: string) => string;
}

/**
 * Stands for a kubelet and the controllers of Deployments, as far as Helm looks: it says of each Deployment that its
 * pods are ready, without running them, and runs the first container of each Pod that waits as a process of Node on
 * this machine, with the same arguments; the Pod succeeds or fails as the process does.
 */
export class StandIn {
  readonly #options: StandInOptions;
  readonly #running = new Set<Promise<void>>();
  readonly #begun = new Set<string>();
  /** What the containers printed, by pod. */
  readonly output = new Map<string, string>();
  #stopped = false;
  readonly #loop: Promise<void>;

  constructor(options: StandInOptions) {
    this.#options = options;
    this.#loop = this.#work();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#loop;
    await Promise.all(this.#running);
  }

  async #work(): Promise<void> {
    const { cluster, namespace } = this.#options;
    while (!this.#stopped) {
      const json = await cluster.kubectl('get', 'deployments,pods', '-n', namespace, '-o', 'json');
      for (const item of (JSON.parse(json) as { items: Item[] }).items) {
        if (item.kind === 'Deployment') await this.#roll(item);
        else if (!this.#begun.has(item.metadata.name) && item.status?.phase === 'Pending') this.#begin(item);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }

  async #roll({ metadata: { name, generation }, spec: { replicas = 1 }, status }: Item): Promise<void> {
    if (status?.observedGeneration === generation) return;
    const condition = (type: string, reason: string) => ({ type, status: 'True', reason, message: reason });
    await this.#patch('deployment', name, {
      observedGeneration: generation,
      replicas,
      updatedReplicas: replicas,
      readyReplicas: replicas,
      availableReplicas: replicas,
      conditions: [
        condition('Available', 'MinimumReplicasAvailable'),
        condition('Progressing', 'NewReplicaSetAvailable'),
      ],
    });
  }

  #begin(pod: Item): void {
    const { name } = pod.metadata;
    this.#begun.add(name);
    const running = this.#run(pod).finally(() => this.#running.delete(running));
    this.#running.add(running);
  }

  async #run({ metadata: { name }, spec }: Item): Promise<void> {
    const { args = [], env = [] } = spec.containers![0]!;
    const told = env.map((one) => [one.name, this.#options.environment(one.name, one.value)]);
    const child = spawn(process.execPath, ['-e', ...args], {
      env: Object.fromEntries(told),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const code = await new Promise((resolve) => child.once('close', resolve));
    this.output.set(name, output);
    await this.#patch('pod', name, { phase: code === 0 ? 'Succeeded' : 'Failed' });
  }

  async #patch(kind: string, name: string, status: object): Promise<void> {
    const { cluster, namespace } = this.#options;
    const patch = JSON.stringify({ status });
    await cluster.kubectl('patch', kind, name, '-n', namespace, '--subresource=status', '--type=merge', '-p', patch);
  }
}
