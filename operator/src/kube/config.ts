import { KubeConfig } from '@kubernetes/client-node';
import { UsageError } from '../config.ts';

export interface ClusterAccess {
  /** A file. Absent: the account of the pod. */
  readonly kubeconfig?: string;
  /** Absent: the current context of the file. */
  readonly context?: string;
}

/**
 * The way to the cluster: a kubeconfig, or the account of the pod.
 *
 * @throws {UsageError} when there is none, or the context is not in it; the message says what to do.
 */
export function readKubeConfig({ kubeconfig, context }: ClusterAccess, env: NodeJS.ProcessEnv): KubeConfig {
  const config = new KubeConfig();
  if (kubeconfig === undefined) {
    if (env.KUBERNETES_SERVICE_HOST === undefined) {
      throw new UsageError('this is not a pod of a cluster; give --policies DIR or --kubeconfig FILE');
    }
    config.loadFromCluster();
    return config;
  }
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new UsageError(`--kubeconfig: ${(error as Error).message}; name another file`);
  }
  if (context !== undefined) {
    const contexts = config.getContexts().map(({ name }) => name);
    if (!contexts.includes(context)) {
      throw new UsageError(`--context: there is no "${context}"; the kubeconfig has ${contexts.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  if (!config.getCurrentCluster()) {
    throw new UsageError('--kubeconfig: its current context names no cluster; choose another with --context');
  }
  return config;
}

/** The namespace of the pod, for an access without a kubeconfig. */
export function podNamespace(config: KubeConfig): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined;
}
