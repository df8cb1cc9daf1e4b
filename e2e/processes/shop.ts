import { expect } from '@jest/globals';
import { type Cluster, type ServiceAccount, startCluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from './agent.ts';
import { OperatorProcess } from './operator.ts';

const GROUP = { apiGroups: ['fuseboard.dev'] };
const VIEW = {
  ...GROUP,
  resources: ['circuitbreakerpolicies', 'circuitbreakeroverrides'],
  verbs: ['get', 'list', 'watch'],
};
const ACT = { ...GROUP, resources: ['circuitbreakeroverrides'], verbs: ['create', 'delete'] };

const EDIT = { ...GROUP, resources: ['circuitbreakerpolicies'], verbs: ['create', 'update', 'patch'] };

/** How often an act is done; the quickest is what the way itself takes, the rest is what else the machine did. */
const ROUNDS = 3;

/** When something was asked for, and when that had been done. */
export interface Act {
  readonly begun: number;
  readonly done: number;
}

/**
 * Namespace `shop` on an API server of its own: an operator that asks it who may do what, two services that use
 * `payments`, a responder who may force breakers, an editor who may change policies, and a viewer who may do neither.
 */
export class Shop {
  readonly cluster: Cluster;
  readonly operator: OperatorProcess;
  readonly services: readonly AgentProcess[];
  readonly responder: ServiceAccount;
  readonly editor: ServiceAccount;
  readonly viewer: ServiceAccount;

  private constructor(
    cluster: Cluster,
    operator: OperatorProcess,
    services: readonly AgentProcess[],
    people: readonly [ServiceAccount, ServiceAccount, ServiceAccount],
  ) {
    this.cluster = cluster;
    this.operator = operator;
    this.services = services;
    [this.responder, this.editor, this.viewer] = people;
  }

  static async open(): Promise<Shop> {
    const cluster = await startCluster();
    await cluster.applyCrds();
    await cluster.namespace('shop');
    const responder = await cluster.serviceAccount('shop', 'responder', [VIEW, ACT]);
    const editor = await cluster.serviceAccount('shop', 'editor', [VIEW, EDIT]);
    const viewer = await cluster.serviceAccount('shop', 'viewer', [VIEW]);
    const operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`, '--admin-auth=review');
    const environment = { FUSEBOARD_URL: operator.url, FUSEBOARD_NAMESPACE: 'shop', FUSEBOARD_SERVICE: 'checkout' };
    const services = [await AgentProcess.start(environment), await AgentProcess.start(environment)];
    const shop = new Shop(cluster, operator, services, [responder, editor, viewer]);
    await shop.connected();
    return shop;
  }

  /** Resolves once both services hear the operator and their calls pass. */
  async connected(): Promise<void> {
    await this.#each(async (service) => expect((await service.link()).state).toBe('Live'));
    await this.passing();
  }

  /** Resolves once calls of both services pass through a closed breaker. */
  async passing(): Promise<void> {
    await this.#each(async (service) => {
      expect(await service.call('payments', 'ok')).toEqual(['passed']);
      expect((await service.stats('payments')).state).toBe('closed');
    });
  }

  /** The overrides that there are. */
  async overrides(): Promise<{ metadata: { name: string }; spec: { reason: string } }[]> {
    return JSON.parse(await this.cluster.kubectl('get', 'cbo', '-n', 'shop', '-o', 'json')).items;
  }

  async endAll(): Promise<void> {
    await this.cluster.kubectl('delete', 'cbo', '--all', '-n', 'shop');
    await this.passing();
  }

  /**
   * Forces `payments` open several times and prints when the services said that it is.
   *
   * @returns of each time, the milliseconds from the end of the act until the last service said so; it may have done so
   * before the end.
   */
  async measured(way: string, forceOpen: () => Promise<Act>): Promise<number[]> {
    const rounds: { readonly fromBegin: number; readonly fromEnd: number }[] = [];
    for (let round = 0; round < ROUNDS; round += 1) {
      const { begun, done, seen } = await this.#forced(forceOpen);
      rounds.push({ fromBegin: seen - begun, fromEnd: seen - done });
      await this.endAll();
    }
    const list = (key: keyof (typeof rounds)[number]) => rounds.map((round) => round[key]).join(', ');
    process.stderr.write(
      `force-open from ${way}, ms until each of ${this.services.length} processes said so: ${list('fromEnd')} from its end, ${list('fromBegin')} from its begin\n`,
    );
    return rounds.map(({ fromEnd }) => fromEnd);
  }

  /**
   * Forces `payments` open for a short time, kills the operator, and sees each service leave the forced state by
   * itself.
   */
  async outlasts(forceOpen: () => Promise<Act>): Promise<void> {
    const { seen } = await this.#forced(forceOpen);
    await this.operator.end('SIGKILL');
    const killed = Date.now();
    try {
      await this.#each(async (service) => {
        expect((await service.stats('payments')).state).toBe('half-open');
      });
      for (const { transitions } of this.services) {
        const { from, to, at } = transitions.at(-1)!;
        expect([from, to]).toEqual(['open', 'half-open']);
        expect(at).toBeGreaterThan(killed);
        expect(at).toBeGreaterThan(seen);
      }
      expect(this.operator.ended).toBe(true);
      await this.passing();
    } finally {
      this.operator.launch();
      await this.operator.ready();
    }
    await this.connected();
    await this.endAll();
  }

  /** Nothing was forced: there is no override, and calls pass. */
  async untouched(): Promise<void> {
    expect(await this.overrides()).toEqual([]);
    await this.passing();
  }

  async close(): Promise<void> {
    await Promise.all(this.services.map((service) => service.end()));
    await this.operator.end();
    await this.cluster.stop();
  }

  async #forced(forceOpen: () => Promise<Act>): Promise<Act & { readonly seen: number }> {
    const before = this.services.map(({ transitions }) => transitions.length);
    const act = await forceOpen();
    const seen = await eventually(() => {
      const opened = this.services.flatMap(({ transitions }, i) =>
        transitions.slice(before[i]!).filter(({ breaker, to }) => breaker === 'payments' && to === 'open'),
      );
      return opened.length === this.services.length && Math.max(...opened.map(({ at }) => at));
    }, 60_000);
    for (const service of this.services) expect(await service.call('payments', 'ok')).toEqual(['rejected']);
    return { ...act, seen };
  }

  async #each(holds: (service: AgentProcess) => Promise<void>): Promise<void> {
    await Promise.all(this.services.map((service) => eventually(() => holds(service), 120_000)));
  }
}

/** Says when an act began and when it had been done. */
export async function timed(act: () => Promise<unknown>): Promise<Act> {
  const begun = Date.now();
  await act();
  return { begun, done: Date.now() };
}
