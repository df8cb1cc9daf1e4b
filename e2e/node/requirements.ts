import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { run } from '../cluster/run.ts';
import type { Addresses } from './addresses.ts';

/** Each command that the cluster runs, and the Debian package that holds it. */
const COMMANDS: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  iptables: 'iptables',
  conntrack: 'conntrack',
  ipset: 'ipset',
  ip: 'iproute2',
  nsenter: 'util-linux',
  openssl: 'openssl',
  buildah: 'buildah',
  debootstrap: 'debootstrap',
};

/** The plugins of the pods' network, which are no commands of the PATH. */
const CNI_PLUGINS: Readonly<Record<string, string>> = {
  '/usr/lib/cni/ptp': 'containernetworking-plugins',
  '/usr/lib/cni/host-local': 'containernetworking-plugins',
};

const SCRATCH = 'mount -t tmpfs none /mnt && mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged';
/** What a kernel and its rights have to allow, and a command that tries it and leaves nothing behind. */
const ABILITIES: Readonly<Record<string, string>> = {
  'network namespaces with veth pairs': 'unshare --net ip link add probe-a type veth peer name probe-b',
  'translation of addresses by iptables': 'unshare --net iptables -t nat -A POSTROUTING -j MASQUERADE',
  'overlay mounts': `unshare --mount sh -c '${SCRATCH} && mount -t overlay none -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work /mnt/merged'`,
  'cgroups that may be written': 'test -w /sys/fs/cgroup',
};

const IPV6_ABILITIES: Readonly<Record<string, string>> = {
  'addresses of IPv6': `unshare --net sh -c 'echo 0 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && ip link set lo up && ip addr add fd00::1/64 dev lo'`,
  'translation of addresses by ip6tables': 'unshare --net ip6tables -t nat -A POSTROUTING -j MASQUERADE',
};

/**
 * Checks that this machine can run nodes.
 *
 * @throws Error that names everything that is missing and how to install it.
 */
export async function requireNodes(family: Addresses['family'] = 'IPv4'): Promise<void> {
  const problems: string[] = [];
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    problems.push(`Linux on x64, and this is ${process.platform} on ${process.arch}`);
  }
  if (process.getuid?.() !== 0) {
    problems.push(
      'root, because it makes network namespaces, mounts and cgroups; run it with sudo or in a machine of its own',
    );
  }
  const packages = new Set<string>();
  for (const [command, name] of Object.entries(COMMANDS)) if (!(await onPath(command))) packages.add(name);
  for (const [path, name] of Object.entries(CNI_PLUGINS)) if (!(await executable(path))) packages.add(name);
  if (packages.size > 0) {
    problems.push(`the Debian packages ${[...packages].join(', ')}; run e2e/node/packages.sh`);
  }
  if (problems.length === 0) {
    for (const [what, command] of Object.entries({ ...ABILITIES, ...(family === 'IPv6' && IPV6_ABILITIES) })) {
      await run('sh', ['-c', command]).catch((error: Error) => problems.push(`${what}: ${error.message.trim()}`));
    }
  }
  if (problems.length > 0)
    throw new Error(`a cluster with nodes needs:\n${problems.map((one) => `- ${one}`).join('\n')}`);
}

async function onPath(command: string): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [...folders, '/usr/sbin', '/sbin']) if (await executable(join(folder, command))) return true;
  return false;
}

const executable = (path: string) =>
  access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
