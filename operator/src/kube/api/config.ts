import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { KubeConfig, type User } from '@kubernetes/client-node';
import { parse } from 'yaml';
import { z } from 'zod';
import { UsageError } from '../../config/usage-error.ts';
import { readBoundedFileSync } from '../../files/bounded-file.ts';
import { unreadable } from '../../files/unreadable.ts';
import type { ActingUser } from './credentials.ts';
import { proxyOf } from './proxy.ts';

export interface ClusterAccess {
  /** Path of a kubeconfig; absent: the ServiceAccount of the pod. */
  readonly kubeconfig?: string;
  /** Name of a context; absent: the current context of the kubeconfig. */
  readonly context?: string;
}

/**
 * Loads the cluster access of the operator: a kubeconfig, or the ServiceAccount of the pod.
 *
 * @throws {UsageError} when there is no configuration, or the context does not exist; the message gives the fix.
 */
export function readKubeConfig({ kubeconfig, context }: ClusterAccess, env: NodeJS.ProcessEnv): KubeConfig {
  if (kubeconfig === undefined) {
    const config = new KubeConfig();
    if (env.KUBERNETES_SERVICE_HOST === undefined) {
      throw new UsageError('this is not a pod of a cluster; give --policies DIR or --kubeconfig FILE');
    }
    config.loadFromCluster();
    return through(env, config);
  }
  return through(env, inContext(loadFile(kubeconfig), context));
}

/**
 * Loads the cluster access of a user: the given file, else the files of KUBECONFIG, else ~/.kube/config.
 *
 * @throws {UsageError} when there is no configuration, or the context does not exist; the message gives the fix.
 */
export function userKubeConfig(
  { kubeconfig, context }: { kubeconfig?: string | undefined; context?: string | undefined },
  env: NodeJS.ProcessEnv,
): KubeConfig {
  const files = kubeconfig ?? (env.KUBECONFIG || join(env.HOME ?? homedir(), '.kube', 'config'));
  const found = files.split(delimiter).filter((file) => file !== '' && (kubeconfig !== undefined || existsSync(file)));
  if (found.length === 0) {
    throw new UsageError(
      'there is no kubeconfig; give --kubeconfig FILE for a cluster, or --server URL for an operator, such as http://127.0.0.1:8702 (the default of `serve --policies`)',
    );
  }
  return through(env, inContext(merged(found.map(loadFile)), context));
}

/** Merges several kubeconfigs. Of entries with the same name, the first wins, and so does the first current context. */
function merged(configs: readonly KubeConfig[]): KubeConfig {
  const firsts = <T extends { readonly name: string }>(lists: readonly (readonly T[])[]) => [
    ...new Map(
      lists
        .flat()
        .reverse()
        .map((one) => [one.name, one]),
    ).values(),
  ];
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: firsts(configs.map(({ clusters }) => clusters)),
    users: firsts(configs.map(({ users }) => users)),
    contexts: firsts(configs.map(({ contexts }) => contexts)),
    currentContext: configs.find(({ currentContext }) => currentContext)?.currentContext,
  });
  return config;
}

/** Fields of a user that client-node does not read. */
const Users = z.object({
  users: z
    .array(
      z.object({
        name: z.string(),
        user: z.object({ tokenFile: z.string().optional(), 'as-groups': z.array(z.string()).optional() }).nullish(),
      }),
    )
    .nullish(),
});

function loadFile(file: string): KubeConfig {
  const config = new KubeConfig();
  const folder = dirname(file);
  try {
    const text = readBoundedFileSync(file, { trust: 'secret' }).toString();
    // An empty kubeconfig is valid and has no entries.
    const content: unknown = parse(text) ?? {};
    config.loadFromString(JSON.stringify(content));
    config.makePathsAbsolute(folder);
    const { users } = Users.parse(content);
    config.users = config.users.map((user) =>
      completed(user, users?.find(({ name }) => name === user.name)?.user ?? {}, folder),
    );
  } catch (error) {
    throw new UsageError(`--kubeconfig: ${unreadable(file, error)}; name another file`);
  }
  return config;
}

type UnreadUser = NonNullable<NonNullable<z.infer<typeof Users>['users']>[number]['user']>;

function completed(user: User, unread: UnreadUser, folder: string): ActingUser {
  const { tokenFile, 'as-groups': impersonateGroups } = unread;
  const { exec } = user as { exec?: { command?: string } };
  const { command } = exec ?? {};
  // A plain command name is searched in PATH. A relative path is relative to the kubeconfig.
  const relative = command !== undefined && /[/\\]/.test(command) && !isAbsolute(command);
  return {
    ...user,
    ...(tokenFile !== undefined && {
      authProvider: { name: 'tokenFile', config: { tokenFile: resolve(folder, tokenFile) } },
    }),
    ...(relative && { exec: { ...exec, command: resolve(folder, command) } }),
    ...(impersonateGroups && { impersonateGroups }),
  };
}

/** Sets the proxy of the environment for every cluster without its own proxy. */
function through(env: NodeJS.ProcessEnv, config: KubeConfig): KubeConfig {
  config.clusters = config.clusters.map((cluster) => {
    const proxyUrl = cluster.proxyUrl || proxyOf(cluster.server, env);
    return proxyUrl ? { ...cluster, proxyUrl } : cluster;
  });
  return config;
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

/** The namespace of the pod, for a configuration without a kubeconfig. */
export function podNamespace(config: KubeConfig): string | undefined {
  return config.getContextObject(config.getCurrentContext())?.namespace?.trim() || undefined;
}
