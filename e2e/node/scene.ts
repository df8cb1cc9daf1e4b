import { NodeCluster, type NodeClusterOptions } from './cluster.ts';
import { buildImages } from './images.ts';

const log = (line: string) => process.stderr.write(`${line}\n`);

/** A cluster whose nodes have the images under test. */
export async function startScene(options: Omit<NodeClusterOptions, 'images'> = {}): Promise<NodeCluster> {
  const { operator, services } = await buildImages(log);
  const begun = performance.now();
  const cluster = await NodeCluster.up({ ...options, images: [operator, services] });
  log(`the cluster is up after ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  return cluster;
}

/** Runs a step and says how long it took. */
export async function timed<T>(what: string, step: () => Promise<T>): Promise<T> {
  const begun = performance.now();
  try {
    return await step();
  } finally {
    log(`${what}: ${((performance.now() - begun) / 1000).toFixed(1)} s`);
  }
}
