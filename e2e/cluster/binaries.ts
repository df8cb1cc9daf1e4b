import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CACHE_DIR, cached, isFile } from './cache.ts';
import { run } from './run.ts';

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
  const version = await kubernetesVersion();
  const [major, minor] = version.split('.');
  const folder = join(CACHE_DIR, 'envtest', version);
  const component = 'k8s.io/component-base/version';
  const etcd = await cached(join(folder, 'etcd'), (temporary) =>
    build('etcd', 'go.etcd.io/etcd/server/v3', '-s -w', temporary, log),
  );
  // Without the version the server calls itself v0.0.0 and clients take it for an ancient one.
  const apiServer = await cached(join(folder, 'kube-apiserver'), (temporary) =>
    build(
      'kube-apiserver',
      'k8s.io/kubernetes/cmd/kube-apiserver',
      `-s -w -X ${component}.gitVersion=v${version} -X ${component}.gitMajor=${major} -X ${component}.gitMinor=${minor}`,
      temporary,
      log,
    ),
  );
  return { etcd, apiServer };
}

async function kubernetesVersion(): Promise<string> {
  const version = /k8s\.io\/kubernetes v(\S+)/.exec(await readFile(join(MODULE, 'go.mod'), 'utf8'))?.[1];
  if (!version) throw new Error(`${MODULE}/go.mod names no version of k8s.io/kubernetes`);
  return version;
}

async function build(name: string, path: string, ldflags: string, to: string, log: (line: string) => void) {
  log(`building ${name} from Go modules; this takes some minutes, once`);
  const begun = performance.now();
  const seconds = () => Math.round((performance.now() - begun) / 1000);
  const progress = setInterval(() => log(`still building ${name}: ${seconds()} s`), 30_000);
  try {
    await run('go', ['build', '-trimpath', '-o', to, '-ldflags', ldflags, path], { cwd: MODULE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error(
      `${name} is needed, and there is no Go to build it; install Go from https://go.dev/dl, or run setup-envtest and name its folder in KUBEBUILDER_ASSETS`,
    );
  } finally {
    clearInterval(progress);
  }
  log(`built ${name} in ${seconds()} s`);
}
