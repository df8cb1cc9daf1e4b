import { afterAll, beforeAll } from '@jest/globals';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { inUrl } from './addresses.ts';
import type { NodeCluster } from './cluster.ts';
import { SERVICE_IMAGE } from './images.ts';
import { isReady, type Pod, Release } from './release.ts';
import { startScene } from './scene.ts';

export const SHOP = 'shop';

/** What a pod of the service `checkout` has seen. */
export interface Checkout {
  readonly pod: string;
  readonly state: 'closed' | 'open' | 'half-open';
  readonly calls: { readonly succeeded: number; readonly failed: number; readonly rejected: number };
  readonly warnings: readonly { readonly code?: string; readonly message: string }[];
}

interface PolicyObject {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly agents?: { readonly matched: number; readonly applied: number };
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration?: number;
    }[];
  };
}

/** A cluster with a release, and the services of the shop under its policy. */
export interface ShopScene {
  readonly cluster: NodeCluster;
  readonly release: Release;
  readonly shop: Shop;
}

/**
 * Before all tests of a file, starts a cluster, installs the operator and opens a shop with so many pods of
 * `checkout`, all of which run the policy; after them, ends the cluster.
 *
 * @returns the scene, whose fields are there once the tests run.
 */
export function withShop(replicas: number, options: Parameters<typeof startScene>[0] = {}): ShopScene {
  const scene = {} as { -readonly [K in keyof ShopScene]: ShopScene[K] };
  beforeAll(async () => {
    scene.cluster = await startScene(options);
    scene.release = await Release.by(4, scene.cluster);
    await scene.release.install();
    scene.shop = await Shop.open(scene.cluster, replicas);
    await scene.shop.applyPolicy(3);
    await scene.shop.programmed(replicas);
  }, 1_800_000);
  afterAll(() => scene.cluster?.down(), 120_000);
  return scene;
}

const FETCH = `
const answers = await Promise.all(process.argv.slice(1).map(async (url) => {
  try {
    return { body: await (await fetch(url, { signal: AbortSignal.timeout(5_000) })).text() };
  } catch (error) {
    return { error: String(error.cause ?? error) };
  }
}));
console.log(JSON.stringify(answers));
`;

/**
 * A namespace with two services: `checkout`, which asks to be injected, calls `partner` through the breaker `payments`.
 */
export class Shop {
  readonly #cluster: NodeCluster;

  private constructor(cluster: NodeCluster) {
    this.#cluster = cluster;
  }

  static async open(cluster: NodeCluster, replicas = 2): Promise<Shop> {
    const labels = { 'fuseboard.dev/inject': 'enabled', 'pod-security.kubernetes.io/enforce': 'restricted' };
    await cluster.apply(
      { apiVersion: 'v1', kind: 'Namespace', metadata: { name: SHOP, labels } },
      deployment('partner', 1),
      deployment('checkout', replicas, { 'fuseboard.dev/inject': 'true' }),
      {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'partner', namespace: SHOP },
        spec: { selector: { app: 'partner' }, ports: [{ port: 80, targetPort: 8080 }] },
      },
    );
    const shop = new Shop(cluster);
    for (const name of ['partner', 'checkout']) await shop.rolledOut(name);
    return shop;
  }

  rolledOut(name: string): Promise<string> {
    return this.#cluster.kubectl('rollout', 'status', `deployment/${name}`, '-n', SHOP, '--timeout=120s');
  }

  async restart(name: string): Promise<void> {
    await this.#cluster.kubectl('rollout', 'restart', `deployment/${name}`, '-n', SHOP);
    await this.rolledOut(name);
  }

  scale(name: string, replicas: number): Promise<string> {
    return this.#cluster.kubectl('scale', `deployment/${name}`, '-n', SHOP, `--replicas=${replicas}`);
  }

  /** Gives the breaker `payments` its policy, or another one. */
  async applyPolicy(consecutiveFailures: number): Promise<void> {
    const spec = { breakers: ['payments'], trip: { consecutiveFailures }, recovery: { openDuration: '2s' } };
    await this.#cluster.apply(policy(SHOP, 'payments', spec));
  }

  /** Waits until the operator says that so many agents run the policy as it was applied last. */
  async programmed(agents: number, timeoutMs = 90_000): Promise<void> {
    await eventually(async () => {
      const { metadata, status = {} } = await this.#cluster.get<PolicyObject>('cbp', 'payments', '-n', SHOP);
      const programmed = status.conditions?.find(({ type }) => type === 'Programmed');
      const current = programmed?.observedGeneration === metadata.generation && programmed.status === 'True';
      if (!current || status.agents?.applied !== agents || status.agents.matched !== agents) {
        throw new Error(`not programmed by ${agents} agents: ${JSON.stringify(status)}`);
      }
    }, timeoutMs);
  }

  /**
   * Waits until the breaker of every ready pod of `checkout` has let calls fail and then rejected some; fixes the
   * partner.
   */
  async trips(): Promise<void> {
    await this.partner('fail');
    await eventually(async () => (await this.checkouts()).every(({ state }) => state !== 'closed'), 30_000);
    await this.partner('recover');
    await eventually(async () => (await this.checkouts()).every(({ state }) => state === 'closed'), 30_000);
  }

  /** The ready pods of a service. */
  async pods(name: string): Promise<Pod[]> {
    const { items } = await this.#cluster.get<{ items: Pod[] }>('pods', '-n', SHOP, '-l', `app=${name}`);
    return items.filter(isReady);
  }

  /** What each ready pod of `checkout` has seen; throws when one does not answer. */
  async checkouts(): Promise<Checkout[]> {
    const pods = await this.pods('checkout');
    const answers = await this.ask(pods.map(({ status }) => `http://${inUrl(status.podIP!)}:8080/`));
    return answers.map((body, i) => ({ pod: pods[i]!.metadata.name, ...(JSON.parse(body) as Omit<Checkout, 'pod'>) }));
  }

  /** What the agents of `checkout` have warned of, as far as it is about the way to the operator. */
  async linkWarnings(): Promise<string[]> {
    const all = (await this.checkouts()).flatMap(({ warnings }) => warnings.map(({ message }) => message));
    return all.filter((message) => /no policies from|report|certificate/i.test(message));
  }

  /** Has the partner fail every call from now on, or none. */
  async partner(change: 'fail' | 'recover'): Promise<void> {
    const pods = await this.pods('partner');
    await this.ask(pods.map(({ status }) => `http://${inUrl(status.podIP!)}:8080/${change}`));
  }

  /** Asks pods at their addresses, which needs no API server. */
  async ask(urls: readonly string[]): Promise<string[]> {
    const command = [process.execPath, '--input-type=module', '-e', FETCH, ...urls];
    const answers = JSON.parse(await this.#cluster.run(command)) as { body?: string; error?: string }[];
    return answers.map(({ body, error }, i) => {
      if (body === undefined) throw new Error(`${urls[i]} does not answer: ${error}`);
      return body;
    });
  }
}

/** A pod that the level restricted admits, with the image of the services. */
export function servicePod(name: string, annotations: Readonly<Record<string, string>> = {}): object {
  return {
    metadata: { labels: { app: name }, annotations },
    spec: {
      terminationGracePeriodSeconds: 5,
      securityContext: { runAsNonRoot: true, runAsUser: 1000, seccompProfile: { type: 'RuntimeDefault' } },
      containers: [
        {
          name,
          image: SERVICE_IMAGE,
          imagePullPolicy: 'Never',
          args: [`${name}.js`],
          ports: [{ containerPort: 8080 }],
          readinessProbe: { httpGet: { path: '/', port: 8080 }, periodSeconds: 1 },
          resources: { requests: { cpu: '10m', memory: '32Mi' }, limits: { memory: '160Mi' } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          },
        },
      ],
    },
  };
}

const deployment = (name: string, replicas: number, annotations?: Readonly<Record<string, string>>) => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name, namespace: SHOP },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: servicePod(name, annotations),
  },
});
