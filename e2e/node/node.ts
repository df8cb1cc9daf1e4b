import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../cluster/run.ts';
import { inUrl } from './addresses.ts';
import { findKubeRouter, type NodeBinaries } from './binaries.ts';
import { PAUSE_IMAGE } from './system-images.ts';
import type { Workspace } from './workspace.ts';

const CGROUPS = '/sys/fs/cgroup';
const CONTROLLERS = '+cpu +cpuset +memory +pids';

/** One node: containerd, kubelet and kube-proxy in a network namespace. */
export class Node {
  readonly number: number;
  /** The name of its Node object. */
  readonly name: string;
  readonly #workspace: Workspace;
  readonly #binaries: NodeBinaries;

  constructor(number: number, workspace: Workspace, binaries: NodeBinaries) {
    this.number = number;
    this.name = `node-${number}`;
    this.#workspace = workspace;
    this.#binaries = binaries;
  }

  /** Starts containerd and gives it images. */
  async startRuntime(archives: readonly string[]): Promise<void> {
    const { state } = this.#workspace;
    await mkdir(this.#path('cni'));
    await mkdir(join(state, `${this.number}`), { recursive: true });
    await writeFile(join(this.#path('cni'), '10-pods.conflist'), JSON.stringify(this.#podNetwork()));
    const config = await this.#workspace.write(`containerd-${this.number}.toml`, this.#containerdConfig());
    const daemon = await this.#workspace.start(
      `containerd-${this.number}`,
      this.number,
      'containerd',
      '--config',
      config,
    );
    await daemon.until(() => this.#ctr('version').then(() => true));
    for (const archive of archives) await this.load(archive);
  }

  /** Loads the images of an archive. */
  load(archive: string): Promise<string> {
    return this.#ctr('-n', 'k8s.io', 'images', 'import', archive);
  }

  async start(): Promise<void> {
    await this.#makeCgroups();
    await this.#workspace.write(`kubelet-${this.number}.yaml`, JSON.stringify(this.#kubeletConfig()));
    await this.startKubelet();
    const config = await this.#workspace.write(`kube-proxy-${this.number}.yaml`, JSON.stringify(this.#proxyConfig()));
    await this.#workspace.start(`kube-proxy-${this.number}`, this.number, this.#binaries.proxy, `--config=${config}`);
  }

  async startKubelet(): Promise<void> {
    await this.#workspace.start(
      `kubelet-${this.number}`,
      this.number,
      this.#binaries.kubelet,
      `--config=${this.#path('kubelet')}.yaml`,
      `--kubeconfig=${this.#path('kubelet')}.kubeconfig`,
      `--root-dir=${this.#path('pods')}`,
      `--hostname-override=${this.name}`,
      `--node-ip=${this.#workspace.addresses.node(this.number)}`,
      `--node-labels=topology.kubernetes.io/zone=zone-${this.number}`,
    );
  }

  /** Ends the kubelet; its containers run on and nobody reports them. */
  stopKubelet(): Promise<void> {
    return this.#workspace.stop(`kubelet-${this.number}`, 'SIGKILL');
  }

  /** Whether services lead from this node to a port of a pod. */
  async leadsTo(address: string, port: number): Promise<boolean> {
    const save = this.#workspace.addresses.family === 'IPv6' ? 'ip6tables-save' : 'iptables-save';
    const rules = await this.#workspace.run(this.number, save, '-t', 'nat');
    return rules.includes(`--to-destination ${inUrl(address)}:${port}\n`);
  }

  /** Cuts the node off: its kubelet is ended, and no packet passes between it and the others. */
  async lose(): Promise<void> {
    await this.stopKubelet();
    await this.#workspace.run(this.number, 'ip', 'link', 'set', 'nodes', 'down');
  }

  /** Has the NetworkPolicies of the cluster enforced on this node. */
  async enforceNetworkPolicies(): Promise<void> {
    await this.#workspace.start(
      `kube-router-${this.number}`,
      this.number,
      await findKubeRouter((line) => process.stderr.write(`${line}\n`)),
      '--run-router=false',
      '--run-service-proxy=false',
      '--run-loadbalancer=false',
      '--run-firewall',
      `--kubeconfig=${this.#workspace.path('admin.kubeconfig')}`,
      `--hostname-override=${this.name}`,
      `--service-cluster-ip-range=${this.#workspace.addresses.services}`,
      '--health-port=0',
    );
  }

  #path(what: string): string {
    return this.#workspace.path(`${what}-${this.number}`);
  }

  get #socket(): string {
    return join(this.#workspace.state, `${this.number}`, 'containerd.sock');
  }

  #ctr(...args: string[]): Promise<string> {
    return run('ctr', ['-a', this.#socket, ...args]);
  }

  get #cgroup(): string {
    return `${this.#workspace.name}-${this.number}`;
  }

  /** Gives each kubelet cgroups of its own, so that two of them run on one machine. */
  async #makeCgroups(): Promise<void> {
    if (existsSync(join(CGROUPS, 'cgroup.controllers'))) {
      await writeFile(join(CGROUPS, 'cgroup.subtree_control'), CONTROLLERS);
      await mkdir(join(CGROUPS, this.#cgroup));
      await writeFile(join(CGROUPS, this.#cgroup, 'cgroup.subtree_control'), CONTROLLERS);
      return;
    }
    for (const controller of await readdir(CGROUPS)) {
      const parent = join(CGROUPS, controller);
      if (!existsSync(join(parent, 'cgroup.procs'))) continue;
      const own = join(parent, this.#cgroup);
      await mkdir(own, { recursive: true });
      // A cpuset of version 1 takes no process until it has processors and memory.
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        if (existsSync(join(own, file))) await writeFile(join(own, file), await readFile(join(parent, file)));
      }
    }
  }

  #podNetwork(): object {
    const { podsOf, everywhere } = this.#workspace.addresses;
    const range = [[{ subnet: podsOf(this.number) }]];
    const ipam = { type: 'host-local', dataDir: this.#path('ipam'), ranges: range, routes: [{ dst: everywhere }] };
    return { cniVersion: '0.4.0', name: 'pods', plugins: [{ type: 'ptp', ipMasq: false, ipam }] };
  }

  #containerdConfig(): string {
    return `version = 2
root = "${this.#path('containerd')}"
state = "${this.#workspace.state}/${this.number}/state"
[grpc]
  address = "${this.#socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${this.#path('opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  stream_server_address = "127.0.0.1"
  # Without CAP_SYS_RESOURCE nobody may lower the score that a process has.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${this.#path('cni')}"
`;
  }

  #kubeletConfig(): object {
    return {
      apiVersion: 'kubelet.config.k8s.io/v1beta1',
      kind: 'KubeletConfiguration',
      containerRuntimeEndpoint: `unix://${this.#socket}`,
      cgroupDriver: 'cgroupfs',
      cgroupRoot: `/${this.#cgroup}`,
      failCgroupV1: false,
      oomScoreAdj: 0,
      address: this.#workspace.addresses.node(this.number),
      healthzBindAddress: '127.0.0.1',
      clusterDNS: [this.#workspace.addresses.dnsService],
      clusterDomain: 'cluster.local',
      resolvConf: this.#workspace.path('resolv.conf'),
      podLogsDir: this.#path('logs'),
      readOnlyPort: 0,
      authentication: {
        anonymous: { enabled: false },
        webhook: { enabled: true },
        x509: { clientCAFile: this.#workspace.path('pki', 'ca.crt') },
      },
      authorization: { mode: 'Webhook' },
      evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
      imageGCHighThresholdPercent: 100,
      nodeStatusUpdateFrequency: '4s',
      syncFrequency: '10s',
    };
  }

  #proxyConfig(): object {
    return {
      apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
      kind: 'KubeProxyConfiguration',
      mode: 'iptables',
      clusterCIDR: this.#workspace.addresses.pods,
      hostnameOverride: this.name,
      oomScoreAdj: 0,
      clientConnection: { kubeconfig: this.#workspace.path('proxy.kubeconfig') },
      // These are settings of the whole machine.
      conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    };
  }
}
