import { writeFile } from 'node:fs/promises';
import { run } from '../cluster/run.ts';
import { nodeAddress, podsOf } from './addresses.ts';
import type { Workspace } from './workspace.ts';

/** What pods need of the kernel in each namespace, by the path below /proc/sys/net. */
const SETTINGS = { 'ipv4/ip_forward': 1, 'ipv4/conf/all/rp_filter': 0, 'ipv6/conf/all/disable_ipv6': 1 };

/**
 * Makes a network namespace for each node and joins them by a bridge in the first. Each has a default route, which
 * kubelets and pods ask for, that ends in a pair of interfaces with nobody behind it.
 */
export async function makeNetwork(workspace: Workspace, nodes: readonly number[]): Promise<void> {
  const nameOf = (node: number) => `${workspace.name}-${node}`;
  const inNode = (node: number, ...words: string[]) => workspace.run(node, 'ip', ...words);
  for (const node of nodes) {
    await run('ip', ['netns', 'add', nameOf(node)]);
    await inNode(node, 'link', 'set', 'lo', 'up');
    await inNode(node, 'link', 'add', 'out', 'type', 'veth', 'peer', 'name', 'nowhere');
    for (const link of ['out', 'nowhere']) await inNode(node, 'link', 'set', link, 'up');
    const set = Object.entries(SETTINGS).map(([path, value]) => `echo ${value} >/proc/sys/net/${path}`);
    await workspace.run(node, 'sh', '-c', set.join('; '));
  }
  await inNode(1, 'link', 'add', 'nodes', 'type', 'bridge');
  for (const node of nodes) {
    if (node !== 1) {
      const there = ['peer', 'name', 'nodes', 'netns', nameOf(node)];
      await inNode(1, 'link', 'add', `to-${node}`, 'type', 'veth', ...there);
      await inNode(1, 'link', 'set', `to-${node}`, 'master', 'nodes', 'up');
    }
    await inNode(node, 'addr', 'add', `${nodeAddress(node)}/24`, 'dev', 'nodes');
    await inNode(node, 'link', 'set', 'nodes', 'up');
    await inNode(node, 'route', 'add', 'default', 'dev', 'out');
    for (const other of nodes) {
      if (other !== node) await inNode(node, 'route', 'add', podsOf(other), 'via', nodeAddress(other));
    }
  }
}

/** What a kubelet tells pods of name servers beside the cluster's own: none. */
export const noNameServers = (workspace: Workspace) => writeFile(workspace.path('resolv.conf'), '');
