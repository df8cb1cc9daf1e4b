import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { UsageError } from '../../config/usage-error.ts';
import { readBoundedFileSync } from '../../files/bounded-file.ts';

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
  loadFile(config, kubeconfig);
  return inContext(config, context);
}

/**
 * The way to the cluster for a person: the file that is named, else those of KUBECONFIG, else ~/.kube/config.
 *
 * @throws {UsageError} when there is none, or the context is not in it; the message says what to do.
 */
export function userKubeConfig(
  { kubeconfig, context }: { kubeconfig?: string | undefined; context?: string | undefined },
  env: NodeJS.ProcessEnv,
): KubeConfig {
  const files = kubeconfig ?? (env.KUBECONFIG || join(env.HOME ?? homedir(), '.kube', 'config'));
  const found = files.split(delimiter).filter((file) => file !== '' && (kubeconfig !== undefined || existsSync(file)));
  if (found.length === 0) {
    throw new UsageError(
      'there is no kubeconfig; give --kubeconfig FILE for a cluster, or --server URL for an operator',
    );
  }
  const config = new KubeConfig();
  for (const [i, file] of found.entries()) {
    const one = i === 0 ? config : new KubeConfig();
    loadFile(one, file);
    if (one !== config) config.mergeConfig(one, true);
  }
  return inContext(config, context);
}

function loadFile(config: KubeConfig, file: string): void {
  try {
    config.loadFromString(readBoundedFileSync(file, { trust: 'secret' }).toString());
    config.makePathsAbsolute(dirname(file));
  } catch (error) {
    throw new UsageError(`--kubeconfig: ${(error as Error).message}; name another file`);
  }
}

function inContext(config: KubeConfig, context: string | undefined): KubeConfig {
  if (context !== undefined) {
    const contexts = config.getContexts().map(({ name }) => name);
    if (!contexts.includes(context)) {
      throw new UsageError(`--context: there is no "${context}"; the kubeconfig has ${contexts.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  if (!config.getCurrentCluster()) {
    throw new UsageError('--kubeconfig: its current context has no cluster; choose another with --context');
  }
  return config;
}

/** The namespace of the pod, for an access without a kubeconfig. */
export function podNamespace(config: KubeConfig): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined;
}
