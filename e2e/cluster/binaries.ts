import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_DIR, cached, isFile } from './cache.ts';
import { buildGo } from './go.ts';

const MODULE = fileURLToPath(new URL('../envtest', import.meta.url));

export interface Binaries {
  readonly etcd: string;
  readonly apiServer: string;
}

/**
 * Finds etcd and kube-apiserver: in the folder KUBEBUILDER_ASSETS when that is set, else in the cache, else builds them
 * there from the Go module `e2e/envtest`, which takes some minutes once.
 */
export async function findBinaries(log: (line: string) => void = () => {}): Promise<Binaries> {
  const assets = process.env.KUBEBUILDER_ASSETS;
  if (assets) {
    const found = { etcd: join(assets, 'etcd'), apiServer: join(assets, 'kube-apiserver') };
    for (const path of [found.etcd, found.apiServer]) {
      if (!(await isFile(path))) {
        throw new Error(`KUBEBUILDER_ASSETS is ${assets}, and there is no ${path}; run setup-envtest or unset it`);
      }
    }
    return found;
  }
  const folder = join(CACHE_DIR, 'envtest', await kubernetesVersion());
  const etcd = await cached(join(folder, 'etcd'), (temporary) =>
    buildGo({ name: 'etcd', module: MODULE, path: 'go.etcd.io/etcd/server/v3' }, temporary, log),
  );
  return { etcd, apiServer: await findKubernetes('kube-apiserver', log) };
}

/** Finds a program of Kubernetes in the cache, else builds it there from the Go module `e2e/envtest`. */
export async function findKubernetes(name: string, log: (line: string) => void = () => {}): Promise<string> {
  const version = await kubernetesVersion();
  const [major, minor] = version.split('.');
  const component = 'k8s.io/component-base/version';
  // Without the version a server calls itself v0.0.0 and clients take it for an ancient one.
  const ldflags = `-X ${component}.gitVersion=v${version} -X ${component}.gitMajor=${major} -X ${component}.gitMinor=${minor}`;
  return cached(join(CACHE_DIR, 'envtest', version, name), (temporary) =>
    buildGo({ name, module: MODULE, path: `k8s.io/kubernetes/cmd/${name}`, ldflags }, temporary, log),
  );
}

async function kubernetesVersion(): Promise<string> {
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(await readFile(join(MODULE, 'go.mod'), 'utf8'))?.[1];
  if (!version) throw new Error(`${MODULE}/go.mod names no version of k8s.io/kubernetes`);
  return version;
}
