import { copyFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { CHART, Helm, IMAGE } from './helm.ts';

/** The namespace of the release. */
export const SYSTEM = 'fuseboard-system';

/** The name of the configuration of its webhook. */
export const WEBHOOK = `fuseboard.${SYSTEM}`;

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
    // The pod of the test tries for a minute before it fails.
    return this.#helm.run(['test', 'fuseboard', '--namespace', SYSTEM, '--timeout', '100s']);
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

  /** The API server here has no way to the address of a service; all else of the webhook stays as the chart made it. */
  reachWebhook(port: number): Promise<unknown> {
    return this.#patchWebhook('service', 'url', `https://localhost:${port}/inject`);
  }

  /** Makes the webhook what the chart made it, so that an upgrade finds what it knows. */
  restoreWebhook(): Promise<unknown> {
    const service = { name: 'fuseboard-webhook', namespace: SYSTEM, port: 443, path: '/inject' };
    return this.#patchWebhook('url', 'service', service);
  }

  #patchWebhook(from: string, to: string, value: unknown): Promise<unknown> {
    const path = '/webhooks/0/clientConfig';
    const json = JSON.stringify([
      { op: 'remove', path: `${path}/${from}` },
      { op: 'add', path: `${path}/${to}`, value },
    ]);
    return this.#cluster.kubectl('patch', 'mutatingwebhookconfiguration', WEBHOOK, '--type=json', '-p', json);
  }

  /** Writes the secret of the release to files, as a kubelet does when the secret changed. */
  async mountCertificate(): Promise<void> {
    const named = 'jsonpath={.spec.template.spec.volumes[0].secret.secretName}';
    const name = await this.#cluster.kubectl('get', 'deployment', 'fuseboard', '-n', SYSTEM, '-o', named);
    const json = await this.#cluster.kubectl('get', 'secret', name, '-n', SYSTEM, '-o', 'jsonpath={.data}');
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
    // No client needs time to notice here, and a test would wait for it.
    const kept = args.filter((arg) => !/^--((metrics-|admin-|webhook-)?port|shutdown-delay)=/.test(arg));
    const here = kept.map((arg) =>
      arg
        .replace(/^(--tls-\w+-file=).*\/(tls\.\w+)$/, `$1${this.#cluster.folder}/$2`)
        .replace(/^(--webhook-ca-file=).*$/, `$1${this.file('ca.crt')}`)
        .replace(/^(--webhook-agents-url=).*$/, '$1https://localhost:$PORT')
        .replace('$(POD_IP):8443', '127.0.0.1:$PORT'),
    );
    const inPod = [`--kubeconfig=${await this.account()}`, '--agent-auth=token-review', `--lease-namespace=${SYSTEM}`];
    const webhook = args.some((arg) => arg.startsWith('--webhook-port=')) ? ['--webhook-port=0'] : [];
    return [...here, ...inPod, ...webhook];
  }

  async startOperator(...more: string[]): Promise<OperatorProcess> {
    return OperatorProcess.start(...(await this.arguments()), ...more);
  }

  #run(verb: string, values: object, ...more: string[]): Promise<string> {
    const named = { ...IMAGE, tls: { dnsNames: ['localhost'] }, ...values };
    return this.#helm.run([verb, 'fuseboard', CHART, '--namespace', SYSTEM, ...more], named);
  }
}
