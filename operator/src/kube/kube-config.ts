import { KubeConfig } from '@kubernetes/client-node';

/** What client-node falls back to when it found no cluster anywhere. */
const NOWHERE = 'http://localhost:8080';

/**
 * The cluster to talk to: the kubeconfig at `path`, else the one that KUBECONFIG names, else `~/.kube/config`, else the
 * cluster that this process runs in.
 *
 * @param context a context of the kubeconfig. Absent: its current one.
 * @throws an Error that says what to do when there is none, or it cannot be used.
 */
export function loadKubeConfig(path?: string, context?: string): KubeConfig {
  const config = new KubeConfig();
  const named = path ?? process.env.KUBECONFIG;
  try {
    if (path === undefined) config.loadFromDefault();
    else config.loadFromFile(path);
  } catch (error) {
    throw new Error(`cannot read the kubeconfig ${named ?? '~/.kube/config'}: ${(error as Error).message}`);
  }
  if (context !== undefined) {
    const known = config.getContexts().map(({ name }) => name);
    if (!known.includes(context)) {
      throw new Error(`the kubeconfig has no context "${context}"; it has: ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (!cluster?.server) {
    throw new Error(
      `the kubeconfig ${named ?? '~/.kube/config'} has no usable current context; choose one with kubectl config use-context`,
    );
  }
  if (cluster.server === NOWHERE && named === undefined) {
    throw new Error(
      'no cluster found: there is no KUBECONFIG, no ~/.kube/config, and this is no pod; name a kubeconfig, or read policies from a folder',
    );
  }
  return config;
}
