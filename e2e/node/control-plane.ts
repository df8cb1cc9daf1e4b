import type { NodeBinaries } from './binaries.ts';
import type { Workspace } from './workspace.ts';

const ETCD = 'http://127.0.0.1:2379';
const ETCD_PEER = 'http://127.0.0.1:2380';

/** etcd, API server, controllers and scheduler, in the network of node 1. */
export class ControlPlane {
  readonly #workspace: Workspace;
  readonly #binaries: NodeBinaries;

  constructor(workspace: Workspace, binaries: NodeBinaries) {
    this.#workspace = workspace;
    this.#binaries = binaries;
  }

  async start(): Promise<void> {
    const { etcd, controllerManager, scheduler } = this.#binaries;
    await this.#workspace.start(
      'etcd',
      1,
      etcd,
      `--data-dir=${this.#workspace.path('etcd')}`,
      '--unsafe-no-fsync',
      `--listen-client-urls=${ETCD}`,
      `--advertise-client-urls=${ETCD}`,
      `--listen-peer-urls=${ETCD_PEER}`,
      `--initial-cluster=default=${ETCD_PEER}`,
      `--initial-advertise-peer-urls=${ETCD_PEER}`,
    );
    await this.startApiServer();
    await this.#workspace.start(
      'controller-manager',
      1,
      controllerManager,
      `--kubeconfig=${this.#workspace.path('controller-manager.kubeconfig')}`,
      '--use-service-account-credentials',
      `--root-ca-file=${this.#pki('ca.crt')}`,
      `--service-account-private-key-file=${this.#pki('service-accounts.key')}`,
      `--cluster-signing-cert-file=${this.#pki('ca.crt')}`,
      `--cluster-signing-key-file=${this.#pki('ca.key')}`,
      `--cluster-cidr=${this.#workspace.addresses.pods}`,
      `--service-cluster-ip-range=${this.#workspace.addresses.services}`,
      '--leader-elect=false',
      // A lost node is noticed in 20 s instead of 50 s.
      '--node-monitor-grace-period=20s',
      '--node-monitor-period=2s',
    );
    await this.#workspace.start(
      'scheduler',
      1,
      scheduler,
      `--kubeconfig=${this.#workspace.path('scheduler.kubeconfig')}`,
      '--leader-elect=false',
    );
  }

  async startApiServer(): Promise<void> {
    const { any, apiServer, services } = this.#workspace.addresses;
    const server = await this.#workspace.start(
      'api-server',
      1,
      this.#binaries.apiServer,
      `--etcd-servers=${ETCD}`,
      '--secure-port=6443',
      `--bind-address=${any}`,
      `--advertise-address=${apiServer}`,
      `--cert-dir=${this.#pki()}`,
      `--tls-cert-file=${this.#pki('api-server.crt')}`,
      `--tls-private-key-file=${this.#pki('api-server.key')}`,
      `--client-ca-file=${this.#pki('ca.crt')}`,
      `--service-account-key-file=${this.#pki('service-accounts.pub')}`,
      `--service-account-signing-key-file=${this.#pki('service-accounts.key')}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--token-auth-file=${this.#pki('tokens.csv')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      // Pods leave a lost node after 10 s instead of 5 min.
      '--default-not-ready-toleration-seconds=10',
      '--default-unreachable-toleration-seconds=10',
      `--kubelet-client-certificate=${this.#pki('kubelet-client.crt')}`,
      `--kubelet-client-key=${this.#pki('kubelet-client.key')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--service-cluster-ip-range=${services}`,
      '--allow-privileged=true',
    );
    const kubectl = [this.#binaries.kubectl, `--kubeconfig=${this.#workspace.path('admin.kubeconfig')}`];
    await server.until(() => this.#workspace.run(1, ...kubectl, 'get', '--raw', '/readyz').then(() => true));
  }

  /** Ends the API server as a crash does. */
  stopApiServer(): Promise<void> {
    return this.#workspace.stop('api-server', 'SIGKILL');
  }

  #pki(...name: string[]): string {
    return this.#workspace.path('pki', ...name);
  }
}
