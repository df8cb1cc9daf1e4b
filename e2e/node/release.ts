import { fileURLToPath } from 'node:url';
import { findHelm } from '../cluster/kubectl.ts';
import { eventually } from '../cluster/run.ts';
import type { NodeCluster } from './cluster.ts';
import { OPERATOR_REPOSITORY } from './images.ts';

const CHART = fileURLToPath(new URL('../../charts/fuseboard', import.meta.url));

/** The namespace of the release. */
export const SYSTEM = 'fuseboard-system';
const NAME = 'fuseboard';
const AGENTS_PORT = 8443;
const WEBHOOK_PORT = 9443;

/** A pod, as far as tests look at one. */
export interface Pod {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly creationTimestamp: string;
    readonly deletionTimestamp?: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
  };
}

export const isReady = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined &&
  status.conditions?.some(({ type, status: is }) => type === 'Ready' && is === 'True') === true;

/** The chart, installed by Helm of one major version with nothing set but the image. */
export class Release {
  readonly #cluster: NodeCluster;
  readonly #helm: string;
  readonly #major: number;

  private constructor(cluster: NodeCluster, helm: string, major: number) {
    this.#cluster = cluster;
    this.#helm = helm;
    this.#major = major;
  }

  static async by(major: 3 | 4, cluster: NodeCluster): Promise<Release> {
    return new Release(cluster, await findHelm((line) => process.stderr.write(`${line}\n`), major), major);
  }

  /** Installs, and waits until every replica is ready and every node leads to them. */
  async install(values: object = {}): Promise<void> {
    await this.#apply(['install', NAME, CHART, '--create-namespace'], values);
    // Helm waits for pods. A node that is busy learns a moment later where the services lead.
    const addresses = (await this.operators()).map(({ status }) => status.podIP!);
    await eventually(async () => {
      for (const node of this.#cluster.nodes) {
        for (const address of addresses) {
          for (const port of [AGENTS_PORT, WEBHOOK_PORT]) if (!(await node.leadsTo(address, port))) return false;
        }
      }
      return true;
    }, 60_000);
  }

  /** Upgrades, and waits until every replica is of the new version. */
  upgrade(values: object = {}): Promise<string> {
    return this.#apply(['upgrade', NAME, CHART], values);
  }

  test(): Promise<string> {
    return this.#run(['test', NAME, '--timeout', '90s']);
  }

  uninstall(): Promise<string> {
    return this.#run(['uninstall', NAME, '--wait', '--timeout', '90s']);
  }

  /** The operator's pods that are not on their way out. */
  async operators(): Promise<Pod[]> {
    const selector = 'app.kubernetes.io/name=fuseboard';
    const { items } = await this.#cluster.get<{ items: Pod[] }>('pods', '-n', SYSTEM, '-l', selector);
    return items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  }

  /** Replaces every replica, one after another, and waits until the former ones are gone. */
  async restart(): Promise<void> {
    const former = (await this.operators()).map(({ metadata }) => `pod/${metadata.name}`);
    await this.#cluster.kubectl('rollout', 'restart', `deployment/${NAME}`, '-n', SYSTEM);
    await this.#cluster.kubectl('rollout', 'status', `deployment/${NAME}`, '-n', SYSTEM, '--timeout=180s');
    // Until then they still have agents.
    await this.#cluster.kubectl('wait', '--for=delete', ...former, '-n', SYSTEM, '--timeout=90s');
  }

  logs(): Promise<string> {
    return this.#cluster.kubectl(
      'logs',
      '-n',
      SYSTEM,
      '-l',
      'app.kubernetes.io/name=fuseboard',
      '--tail=-1',
      '--prefix',
    );
  }

  #apply(command: readonly string[], values: object): Promise<string> {
    const all = { image: { repository: OPERATOR_REPOSITORY }, ...values };
    return this.#run([...command, '--wait', '--timeout', '180s', '--values', '-'], JSON.stringify(all));
  }

  #run(args: readonly string[], input?: string): Promise<string> {
    const home = `${this.#cluster.folder}/helm-${this.#major}`;
    const env = { HOME: home, HELM_CACHE_HOME: home, HELM_CONFIG_HOME: home, HELM_DATA_HOME: home };
    return this.#cluster.run([this.#helm, ...args, '--namespace', SYSTEM], {
      env,
      ...(input !== undefined && { input }),
    });
  }
}
