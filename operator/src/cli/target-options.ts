import { type Command, Option } from 'commander';
import type { Reach, Target, TargetFlags } from './client/target.ts';

export interface ScopeFlags extends TargetFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

/** Adds the options that select the target. */
export function withTarget(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--server <url>',
        'URL of the admin API of an operator, or of each of its replicas, separated by commas (absent: the operator in the cluster of the kubeconfig)',
      ).env('FUSEBOARD_SERVER'),
    )
    .addOption(new Option('--kubeconfig <file>', 'path of the kubeconfig (absent: KUBECONFIG, else ~/.kube/config)'))
    .addOption(new Option('--context <name>', 'the context of the kubeconfig (absent: its current one)'))
    .addOption(
      new Option(
        '--operator-namespace <name>',
        'namespace of the operator in the cluster (absent: all namespaces are searched)',
      ).env('FUSEBOARD_OPERATOR_NAMESPACE'),
    );
}

/** Adds the target options and a namespace. */
export function withNamespace(command: Command): Command {
  return withTarget(command).addOption(
    new Option('-n, --namespace <name>', 'the namespace (absent: that of the context, else default)'),
  );
}

/** Adds the target options and a namespace or all namespaces. */
export function withScope(command: Command): Command {
  return withNamespace(command).addOption(
    new Option('-A, --all-namespaces', 'list all namespaces').conflicts('namespace'),
  );
}

/** Runs an action on the selected target, then closes its connections. */
export async function onTarget<T>(
  reach: Reach,
  flags: TargetFlags,
  action: (target: Target) => Promise<T>,
): Promise<T> {
  const target = await reach(flags);
  try {
    return await action(target);
  } finally {
    await target.close();
  }
}

/** The selected namespace; undefined for all namespaces. */
export const scopeOf = ({ namespace, allNamespaces }: ScopeFlags, target: Target) =>
  allNamespaces ? undefined : (namespace ?? target.namespace);
