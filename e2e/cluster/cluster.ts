import { generateKeyPairSync } from 'node:crypto';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { freePort } from '../../examples/offer-demo/address.ts';
import { type Binaries, findBinaries } from './binaries.ts';
import { findKubectl } from './kubectl.ts';
import { Daemon, Reaper } from './process.ts';
import { eventually, run } from './run.ts';

const ADMIN_TOKEN = 'admin-of-the-test-cluster';

interface KubectlOptions {
  /** What kubectl reads with `-f -`. */
  readonly input?: string;
  /** Another kubeconfig than the administrator's. */
  readonly kubeconfig?: string;
}

/** A rule of RBAC, as in a Role. */
export interface PolicyRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

export interface ServiceAccount {
  readonly token: string;
  /** The path of a kubeconfig that uses the token. */
  readonly kubeconfig: string;
}

/** A real etcd and a real kube-apiserver on loopback ports, with no controllers behind them. */
export interface Cluster {
  /** The URL of the API server; it stays the same over restarts. */
  readonly url: string;
  /** The path of the administrator's kubeconfig. */
  readonly kubeconfig: string;
  /** The administrator's token. */
  readonly token: string;
  /** A folder for the test's own files; removed by `stop`. */
  readonly folder: string;
  /** Where the API server notes requests, one line of JSON each; empty unless it was told what to note. */
  readonly auditLog: string;
  /** Runs kubectl and returns its stdout; throws a CommandError with its stderr when it fails. */
  kubectl(...args: readonly string[] | readonly [...string[], KubectlOptions]): Promise<string>;
  /** Applies objects with kubectl. */
  apply(...objects: readonly object[]): Promise<void>;
  /** Applies Fuseboard's definitions and waits until they are served. */
  applyCrds(): Promise<void>;
  /** Makes a namespace; nothing when it is there. */
  namespace(name: string): Promise<void>;
  /** Makes a ServiceAccount that may do what the rules say, in its namespace or, with `everywhere`, in all of them. */
  serviceAccount(
    namespace: string,
    name: string,
    rules: readonly PolicyRule[],
    options?: { everywhere?: boolean },
  ): Promise<ServiceAccount>;
  /** Writes a kubeconfig that uses a token, and returns its path. */
  kubeconfigFor(name: string, token: string): Promise<string>;
  /**
   * Ends the API server; etcd and its data stay. SIGKILL unless another signal is given: SIGTERM takes up to a minute
   * while a watch is open.
   */
  stopApiServer(signal?: NodeJS.Signals): Promise<void>;
  /** Starts the API server on the same port and data, and waits until it is ready. */
  startApiServer(): Promise<void>;
  /** Ends everything and removes the folder. */
  stop(): Promise<void>;
}

export interface ClusterOptions {
  /** What the API server notes of each request, as rules of an audit policy. Absent: nothing. */
  readonly audit?: readonly object[];
  /** The path of a PEM file: users are known by client certificates of this authority. Absent: by tokens only. */
  readonly clientAuthority?: string;
}

/** Starts a cluster of its own; ready in some seconds. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const [binaries, kubectl] = [await findBinaries(note), await findKubectl(note)];
  const attempts = 3;
  for (let attempt = 1; ; attempt += 1) {
    const folder = await mkdtemp(join(tmpdir(), 'fuseboard-cluster-'));
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const cluster = new LocalCluster(binaries, kubectl, folder, ports, options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      // Another process may have taken a port that was free when we asked.
      if (attempt === attempts || !/address already in use/.test(String(error))) throw error;
    }
  }
}

const note = (line: string) => process.stderr.write(`${line}\n`);

class LocalCluster implements Cluster {
  readonly token = ADMIN_TOKEN;
  readonly url: string;
  readonly kubeconfig: string;
  readonly folder: string;
  readonly #binaries: Binaries;
  readonly #kubectl: string;
  readonly #ports: readonly [etcd: number, peer: number, api: number];
  readonly #reaper: Reaper;
  #etcd: Daemon | undefined;
  #apiServer: Daemon | undefined;
  readonly #audit: readonly object[] | undefined;
  readonly #clientAuthority: string | undefined;

  constructor(
    binaries: Binaries,
    kubectl: string,
    folder: string,
    ports: readonly [number, number, number],
    { audit, clientAuthority }: ClusterOptions,
  ) {
    this.#audit = audit;
    this.#clientAuthority = clientAuthority;
    this.#binaries = binaries;
    this.#kubectl = kubectl;
    this.folder = folder;
    this.#ports = ports;
    this.url = `https://127.0.0.1:${ports[2]}`;
    this.kubeconfig = this.#path('admin.kubeconfig');
    this.#reaper = new Reaper(folder);
  }

  async start(): Promise<void> {
    const keys = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(this.#path('sa.key'), keys.privateKey.export({ type: 'pkcs1', format: 'pem' }));
    await writeFile(this.#path('sa.pub'), keys.publicKey.export({ type: 'spki', format: 'pem' }));
    await writeFile(this.#path('tokens.csv'), `${ADMIN_TOKEN},admin,1,system:masters\n`);
    await mkdir(this.#path('certs'));
    if (this.#audit) {
      const policy = {
        apiVersion: 'audit.k8s.io/v1',
        kind: 'Policy',
        omitStages: ['RequestReceived'],
        rules: this.#audit,
      };
      await writeFile(this.#path('audit-policy.yaml'), stringify(policy));
    }
    await this.#startEtcd();
    await this.startApiServer();
    await this.#writeKubeconfig(this.kubeconfig, ADMIN_TOKEN);
  }

  async kubectl(...args: readonly string[] | readonly [...string[], KubectlOptions]): Promise<string> {
    const last = args.at(-1);
    const options: KubectlOptions = typeof last === 'object' ? last : {};
    const words = [...(args as readonly (string | KubectlOptions)[])].filter((word) => typeof word === 'string');
    return run(this.#kubectl, ['--cache-dir', this.#path('kubectl-cache'), ...words], {
      input: options.input,
      env: { ...process.env, KUBECONFIG: options.kubeconfig ?? this.kubeconfig },
    });
  }

  async applyCrds(): Promise<void> {
    await this.kubectl('apply', '-f', CRDS);
    await this.kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
    // Discovery, from which kubectl learns the names, follows a moment later.
    await eventually(() => this.kubectl('explain', 'cbp'));
  }

  async namespace(name: string): Promise<void> {
    await this.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } });
  }

  async serviceAccount(
    namespace: string,
    name: string,
    rules: readonly PolicyRule[],
    options: { everywhere?: boolean } = {},
  ): Promise<ServiceAccount> {
    const prefix = options.everywhere ? 'Cluster' : '';
    const metadata = options.everywhere ? { name: `${namespace}-${name}` } : { name, namespace };
    const apiVersion = 'rbac.authorization.k8s.io/v1';
    await this.namespace(namespace);
    await this.apply(
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name, namespace } },
      { apiVersion, kind: `${prefix}Role`, metadata, rules },
      {
        apiVersion,
        kind: `${prefix}RoleBinding`,
        metadata,
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: `${prefix}Role`, name: metadata.name },
        subjects: [{ kind: 'ServiceAccount', name, namespace }],
      },
    );
    const token = (await this.kubectl('create', 'token', name, '-n', namespace)).trim();
    return { token, kubeconfig: await this.kubeconfigFor(`${namespace}-${name}`, token) };
  }

  async kubeconfigFor(name: string, token: string): Promise<string> {
    const path = this.#path(`${name}.kubeconfig`);
    await this.#writeKubeconfig(path, token);
    return path;
  }

  async #startEtcd(): Promise<void> {
    const [client, peer] = this.#ports.map((port) => `http://127.0.0.1:${port}`);
    this.#etcd = this.#daemon('etcd', this.#binaries.etcd, [
      `--data-dir=${this.#path('etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
    ]);
    await this.#etcd.until(async () => (await fetch(`${client}/health`)).ok);
  }

  async #stopEtcd(): Promise<void> {
    await this.#etcd?.stop('SIGKILL');
  }

  async startApiServer(): Promise<void> {
    const [etcd, , port] = this.#ports;
    this.#apiServer = this.#daemon('kube-apiserver', this.#binaries.apiServer, [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--secure-port=${port}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${this.#path('certs')}`,
      `--service-account-key-file=${this.#path('sa.pub')}`,
      `--service-account-signing-key-file=${this.#path('sa.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc',
      `--token-auth-file=${this.#path('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount',
      '--allow-privileged=true',
      ...(this.#clientAuthority === undefined ? [] : [`--client-ca-file=${this.#clientAuthority}`]),
      ...(this.#audit
        ? [`--audit-policy-file=${this.#path('audit-policy.yaml')}`, `--audit-log-path=${this.auditLog}`]
        : []),
    ]);
    // The API server makes the namespace `default` itself, a moment after it is ready.
    await this.#apiServer.until(() => answers(`${this.url}/readyz`));
    await this.#apiServer.until(() => answers(`${this.url}/api/v1/namespaces/default`));
  }

  get auditLog(): string {
    return this.#path('audit.log');
  }

  async stopApiServer(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#apiServer?.stop(signal);
  }

  async stop(): Promise<void> {
    await this.stopApiServer();
    await this.#stopEtcd();
    this.#reaper.dismiss();
    await rm(this.folder, { recursive: true, force: true });
  }

  #path(name: string): string {
    return join(this.folder, name);
  }

  #daemon(name: string, command: string, args: readonly string[]): Daemon {
    const daemon = new Daemon(name, command, args, this.#path(`${name}.log`));
    this.#reaper.watch(daemon.pid);
    return daemon;
  }

  async apply(...objects: readonly object[]): Promise<void> {
    await this.kubectl('apply', '-f', '-', {
      input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }),
    });
  }

  async #writeKubeconfig(path: string, token: string): Promise<void> {
    const authority = await readFile(this.#path('certs/apiserver.crt'));
    await writeFile(
      path,
      stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [
          { name: 'test', cluster: { server: this.url, 'certificate-authority-data': authority.toString('base64') } },
        ],
        users: [{ name: 'test', user: { token } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
        'current-context': 'test',
      }),
      { mode: 0o600 },
    );
  }
}

const CRDS = fileURLToPath(new URL('../../crds', import.meta.url));

function answers(url: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // The certificate is made by the server itself at its first start.
    get(
      url,
      { rejectUnauthorized: false, headers: { authorization: `Bearer ${ADMIN_TOKEN}` }, timeout: 5000 },
      (res) => {
        res.resume();
        resolve(res.statusCode === 200);
      },
    )
      .once('timeout', () => reject(new Error('timeout')))
      .once('error', reject);
  });
}
