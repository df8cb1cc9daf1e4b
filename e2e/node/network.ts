import { writeFile } from 'node:fs/promises';
import { run } from '../cluster/run.ts';
import type { Workspace } from './workspace.ts';

/** What pods need of the kernel in each namespace, by the path below /proc/sys/net. */
const SETTINGS = {
  IPv4: { 'ipv4/ip_forward': 1, 'ipv4/conf/all/rp_filter': 0, 'ipv6/conf/all/disable_ipv6': 1 },
  // Nobody else has these addresses, so nobody has to be asked before they are used.
  IPv6: { 'ipv6/conf/all/disable_ipv6': 0, 'ipv6/conf/all/forwarding': 1, 'ipv6/conf/default/accept_dad': 0 },
};

/**
 * Makes a network namespace for each node and joins them by a bridge in the first. Each has a default route, which
 * kubelets and pods ask for, that ends in a pair of interfaces with nobody behind it.
 */
export async function makeNetwork(workspace: Workspace, nodes: readonly number[]): Promise<void> {
  const nameOf = (node: number) => `${workspace.name}-${node}`;
  const { addresses } = workspace;
  const version = addresses.family === 'IPv6' ? '-6' : '-4';
  const inNode = (node: number, ...words: string[]) => workspace.run(node, 'ip', ...words);
  for (const node of nodes) {
    await run('ip', ['netns', 'add', nameOf(node)]);
    const settings = Object.entries(SETTINGS[addresses.family]);
    await workspace.run(
      node,
      'sh',
      '-c',
      settings.map(([path, value]) => `echo ${value} >/proc/sys/net/${path}`).join('; '),
    );
    await inNode(node, 'link', 'set', 'lo', 'up');
    await inNode(node, 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'nowhere');
    for (const link of ['out', 'nowhere']) await inNode(node, 'link', 'set', link, 'up');
  }
  await inNode(1, 'link', 'add', 'nodes', 'type', 'bridge');
  for (const node of nodes) {
    if (node !== 1) {
      const there = ['peer', 'name', 'nodes', 'netns', nameOf(node)];
      await inNode(1, 'link', 'add', `to-${node}`, 'type', 'veth', ...there);
      await inNode(1, 'link', 'set', `to-${node}`, 'master', 'nodes', 'up');
    }
    await inNode(node, 'addr', 'add', addresses.nodeInNetwork(node), 'dev', 'nodes');
    await inNode(node, 'link', 'set', 'nodes', 'up');
    await inNode(node, version, 'route', 'add', 'default', 'dev', 'out');
    for (const other of nodes) {
      if (other === node) continue;
      await inNode(node, version, 'route', 'add', addresses.podsOf(other), 'via', addresses.node(other));
    }
  }
}

/** What a kubelet tells pods of name servers beside the cluster's own: none. */
export const noNameServers = (workspace: Workspace) => writeFile(workspace.path('resolv.conf'), '');
