import { join } from 'node:path';
import { expect } from '@jest/globals';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess, type BreakerView } from '../processes/agent.ts';
import { OperatorProcess, type ProcessEnvironment } from '../processes/operator.ts';
import { ApiWay } from './api-way.ts';
import { type Hooks, HttpRelay } from './http-relay.ts';
import { relayedKubeconfig } from './kubeconfig.ts';
import { PolicyStore } from './policy-store.ts';

const NAMESPACE = 'default';

/**
 * An operator at the times of production between a real API server and agents, with a wire on both sides that can be
 * made bad.
 */
export class Scene {
  readonly cluster: Cluster;
  readonly way: ApiWay;
  /** The way of the agents to the operator. */
  readonly service: HttpRelay;
  readonly operator: OperatorProcess;
  readonly #store: PolicyStore;
  readonly #agents: AgentProcess[] = [];

  private constructor(cluster: Cluster, way: ApiWay, service: HttpRelay, operator: OperatorProcess) {
    this.cluster = cluster;
    this.way = way;
    this.service = service;
    this.operator = operator;
    this.#store = new PolicyStore(cluster.kubeconfig, () => {});
  }

  static async start(hooks: Hooks = {}, environment: ProcessEnvironment = {}): Promise<Scene> {
    const cluster = await startCluster();
    await cluster.applyCrds();
    const way = new ApiWay(cluster.url);
    await way.relay.start();
    const kubeconfig = relayedKubeconfig(cluster, way.relay.url, join(cluster.folder, 'relayed.kubeconfig'));
    const operator = await OperatorProcess.within(environment, `--kubeconfig=${kubeconfig}`);
    await eventually(() => operator.ready(), 90_000);
    const service = await new HttpRelay([new URL(operator.url)], hooks).start();
    return new Scene(cluster, way, service, operator);
  }

  async agent(environment: Record<string, string> = {}): Promise<AgentProcess> {
    const agent = await AgentProcess.start({
      FUSEBOARD_URL: this.service.url,
      FUSEBOARD_SERVICE: 'checkout',
      ...environment,
    });
    this.#agents.push(agent);
    return agent;
  }

  /** Writes a policy for the breaker of that name. */
  put(breaker: string, failures: number, malformed = false): Promise<void> {
    return this.#store.put({ namespace: NAMESPACE, breaker, selector: {}, failures, malformed });
  }

  /** The same, of some 50 kB. */
  putWide(breaker: string, failures: number): Promise<void> {
    return this.#store.put({ namespace: NAMESPACE, breaker, selector: {}, failures, wide: true });
  }

  delete(breaker: string): Promise<void> {
    return this.#store.delete(NAMESPACE, breaker);
  }

  /** Waits until each agent opens this breaker after so many failures. */
  async runs(agents: readonly AgentProcess[], breaker: string, failures: number | undefined, timeoutMs = 60_000) {
    for (const agent of agents) {
      await eventually(async () => {
        expect(failuresOf(await agent.stats(breaker))).toBe(failures);
      }, timeoutMs);
    }
  }

  status(breaker: string): Promise<Status> {
    return this.cluster
      .kubectl('get', 'cbp', breaker, '-n', NAMESPACE, '-o', 'json')
      .then((text) => (JSON.parse(text) as { status?: Status }).status ?? {});
  }

  /** Ends the agents and fixes the wires, for the next test. */
  async clear(): Promise<void> {
    this.way.heal();
    this.service.heal();
    await Promise.all(this.#agents.splice(0).map((agent) => agent.end()));
  }

  async stop(): Promise<void> {
    await this.clear();
    await this.operator.end();
    await Promise.all([this.service.stop(), this.way.relay.stop()]);
    await this.cluster.stop();
  }
}

export interface Status {
  readonly conditions?: readonly { readonly type: string; readonly status: string; readonly message: string }[];
  readonly agents?: { readonly summary: string; readonly rejected: number };
  readonly rejections?: readonly { readonly field: string }[];
}

export const failuresOf = ({ policy }: BreakerView): number | undefined =>
  (policy?.spec as { trip?: { consecutiveFailures?: number } } | undefined)?.trip?.consecutiveFailures;
