import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { CHART, Helm, IMAGE } from './helm.ts';

/** The namespace of the release. */
export const SYSTEM = 'fuseboard-system';

/**
 * The chart, installed on a cluster that has no nodes: what its Deployment would run is run here as a process, with the
 * arguments of its container, the files of its secret and the token of its ServiceAccount.
 */
export class Installed {
  readonly #cluster: Cluster;
  readonly #helm: Helm;

  private constructor(cluster: Cluster, helm: Helm) {
    this.#cluster = cluster;
    this.#helm = helm;
  }

  static async install(cluster: Cluster, values: object = {}): Promise<Installed> {
    await cluster.namespace(SYSTEM);
    await new Installed(cluster, await Helm.find(4, cluster)).#run('install', values);
    return Installed.found(cluster);
  }

  /** The same for a release that somebody else installs, once it is there. */
  static async found(cluster: Cluster): Promise<Installed> {
    const installed = new Installed(cluster, await Helm.find(4, cluster));
    await eventually(() => cluster.kubectl('get', 'deployment', 'fuseboard', '-n', SYSTEM), 60_000);
    await eventually(() => cluster.kubectl('get', 'cbp', '-A'));
    await installed.mountCertificate();
    return installed;
  }

  /** Runs the chart's own test. */
  test(): Promise<string> {
    return this.#helm.run(['test', 'fuseboard', '--namespace', SYSTEM, '--timeout', '60s']);
  }

  /** Upgrades and waits as `--wait` does. */
  upgradeAndWait(values: object): Promise<string> {
    return this.#run('upgrade', values, '--wait', '--timeout', '60s');
  }

  upgrade(values: object): Promise<string> {
    return this.#run('upgrade', values);
  }

  /** Where a file of the mounted secret is. */
  file(name: 'tls.crt' | 'tls.key' | 'ca.crt'): string {
    return join(this.#cluster.folder, name);
  }

  /** Writes the secret of the release to files, as a kubelet does when the secret changed. */
  async mountCertificate(): Promise<void> {
    const json = await this.#cluster.kubectl('get', 'secret', 'fuseboard-tls', '-n', SYSTEM, '-o', 'jsonpath={.data}');
    const secret = JSON.parse(json) as Record<'tls.crt' | 'tls.key' | 'ca.crt', string>;
    for (const name of ['tls.crt', 'tls.key', 'ca.crt'] as const) {
      await writeFile(this.file(name), Buffer.from(secret[name], 'base64'));
    }
  }

  /** Keeps the authority of now under another name. */
  async keepAuthority(): Promise<string> {
    const path = join(this.#cluster.folder, 'ca-before.crt');
    await copyFile(this.file('ca.crt'), path);
    return path;
  }

  /** A kubeconfig with a token of the ServiceAccount of the chart, and no other right. */
  async account(): Promise<string> {
    const token = await this.#cluster.kubectl('create', 'token', 'fuseboard', '-n', SYSTEM);
    return this.#cluster.kubeconfigFor('chart', token.trim());
  }

  /** The container's arguments, with the paths and ports of this machine. */
  async arguments(): Promise<string[]> {
    const path = 'jsonpath={.spec.template.spec.containers[0].args}';
    const json = await this.#cluster.kubectl('get', 'deployment', 'fuseboard', '-n', SYSTEM, '-o', path);
    const [, ...args] = JSON.parse(json) as string[];
    const kept = args.filter((arg) => !/^--(metrics-|admin-)?port=/.test(arg));
    const here = kept.map((arg) =>
      arg
        .replace(/^(--tls-\w+-file=).*\/(tls\.\w+)$/, `$1${this.#cluster.folder}/$2`)
        .replace('$(POD_IP):8443', '127.0.0.1:$PORT'),
    );
    const inPod = [`--kubeconfig=${await this.account()}`, '--agent-auth=token-review', `--lease-namespace=${SYSTEM}`];
    return [...here, ...inPod];
  }

  async startOperator(...more: string[]): Promise<OperatorProcess> {
    return OperatorProcess.start(...(await this.arguments()), ...more);
  }

  #run(verb: string, values: object, ...more: string[]): Promise<string> {
    const named = { ...IMAGE, tls: { dnsNames: ['localhost'] }, ...values };
    return this.#helm.run([verb, 'fuseboard', CHART, '--namespace', SYSTEM, ...more], named);
  }
}
