import { MAIN, NODE_FLAGS } from '../processes/operator.ts';
import type { NodeCluster } from './cluster.ts';

/** Runs the command line as the administrator of a cluster, and returns its stdout. */
export const fuseboard = (cluster: NodeCluster, ...args: string[]): Promise<string> =>
  cluster.run([process.execPath, ...NODE_FLAGS, MAIN, ...args]);
