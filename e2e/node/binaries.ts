import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findBinaries, findKubernetes } from '../cluster/binaries.ts';
import { CACHE_DIR, cached } from '../cluster/cache.ts';
import { buildGo } from '../cluster/go.ts';
import { findKubectl } from '../cluster/kubectl.ts';

const MODULES = fileURLToPath(new URL('modules', import.meta.url));

/** The programs of a cluster with nodes, each as a path. */
export interface NodeBinaries {
  readonly etcd: string;
  readonly apiServer: string;
  readonly kubectl: string;
  readonly kubelet: string;
  readonly controllerManager: string;
  readonly scheduler: string;
  readonly proxy: string;
  /** CoreDNS, as the only file of an image. */
  readonly coredns: string;
  /** What keeps the namespaces of a pod, as the only file of an image. */
  readonly pause: string;
}

/**
 * Finds the programs of a cluster in the cache and builds there what is missing, which takes about ten minutes once.
 */
export async function findNodeBinaries(log: (line: string) => void = () => {}): Promise<NodeBinaries> {
  const { etcd, apiServer } = await findBinaries(log);
  return {
    etcd,
    apiServer,
    kubectl: await findKubectl(log),
    kubelet: await findKubernetes('kubelet', log),
    controllerManager: await findKubernetes('kube-controller-manager', log),
    scheduler: await findKubernetes('kube-scheduler', log),
    proxy: await findKubernetes('kube-proxy', log),
    coredns: await own('coredns', 'dns', '.', log),
    pause: await own('pause', 'pause', '.', log),
  };
}

/** Finds the program that enforces NetworkPolicies on a node, or builds it, which takes three minutes once. */
export const findKubeRouter = (log: (line: string) => void = () => {}): Promise<string> =>
  own('kube-router', 'network-policy', 'github.com/cloudnativelabs/kube-router/v2/cmd/kube-router', log);

/** A program of a module here, kept under a name that changes with the module. */
async function own(name: string, folder: string, path: string, log: (line: string) => void): Promise<string> {
  const module = join(MODULES, folder);
  const hash = createHash('sha256');
  for (const file of (await readdir(module)).sort()) hash.update(file).update(await readFile(join(module, file)));
  const version = hash.digest('hex').slice(0, 12);
  return cached(join(CACHE_DIR, 'node', version, name), (temporary) =>
    buildGo({ name, module, path, static: true }, temporary, log),
  );
}
