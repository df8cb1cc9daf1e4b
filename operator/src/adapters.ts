import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { openAccess } from './auth/open-access.ts';
import { tokenFile } from './auth/token-file.ts';
import { unauthenticated } from './auth/unauthenticated.ts';
import { ClusterTarget, requiredToken } from './cli/client/cluster.ts';
import { StandaloneTarget } from './cli/client/standalone.ts';
import type { Reach } from './cli/client/target.ts';
import type { ConnectCluster } from './cli/commands/check.ts';
import type { Construct } from './cli/commands/serve.ts';
import { CliError, EXIT_CODES } from './cli/exit-codes.ts';
import type { Config } from './config/config.ts';
import { UsageError } from './config/usage-error.ts';
import { unreadable } from './files/unreadable.ts';
import { KubeClient } from './kube/api/client.ts';
import { podNamespace, readKubeConfig, userKubeConfig } from './kube/api/config.ts';
import { preflight } from './kube/api/preflight.ts';
import { AccessReviewer } from './kube/auth/access-review.ts';
import { TokenKeys } from './kube/auth/token-keys.ts';
import { TokenReviewer } from './kube/auth/token-review.ts';
import { TokenReviewLimiter } from './kube/auth/token-review-limiter.ts';
import { KubernetesReplicas } from './kube/replication/replicas.ts';
import { KubernetesHistory } from './kube/write/history.ts';
import { kubernetesOverrides } from './kube/write/overrides.ts';
import { kubernetesPolicyEditor } from './kube/write/policy-editor.ts';
import { kubernetesStatusSink } from './kube/write/status-writer.ts';
import { Instruments } from './metrics/instruments.ts';
import type { Authenticator } from './ports/authenticator.ts';
import { noOpStatusSink } from './ports/no-op-status-sink.ts';
import { directorySource } from './sources/directory.ts';
import { kubernetesSource } from './sources/kubernetes.ts';
import { localHistory, noPolicyEditor } from './stores/history.ts';
import { localOutages } from './stores/outages.ts';
import { localOverrides } from './stores/overrides.ts';

/** The authenticator of agents when the API server does not review tokens. */
const localAuthenticator = async ({ auth }: Config, log: Logger): Promise<Authenticator> => {
  if (auth.way !== 'file') return unauthenticated;
  return tokenFile({ path: auth.path, log }).catch((error: Error) => {
    throw new CliError(EXIT_CODES.unreachable, error.message);
  });
};

/** The limit of reviews equals that of new streams, because each new stream may have an unknown token. */
const limiterOf = ({ maxStreamsPerSecond: perSecond, maxBadTokens: badPerAddress }: Config) =>
  new TokenReviewLimiter({ perSecond, badPerAddress, clock: performance });

/** Creates the adapters of an operator from its configuration. */
export const construct: Construct = async (config, log) => {
  const { source: wanted, auth, adminAuth, replication, stateFolder } = config;
  const kept = stateFolder === undefined ? {} : { outages: localOutages({ stateFolder, log }) };
  if (wanted.kind === 'kubernetes') {
    const kubeConfig = readKubeConfig(wanted, process.env);
    const { namespaces, kubeconfig } = wanted;
    const problem = await preflight({ kubeConfig, namespaces, mustAnswer: kubeconfig !== undefined });
    if (problem !== undefined) throw new CliError(EXIT_CODES.unreachable, problem);
    const source = kubernetesSource({ kubeConfig, namespaces: wanted.namespaces, log });
    const stored = source.stored.bind(source);
    const overrides = kubernetesOverrides(kubeConfig);
    const instruments = new Instruments(performance);
    const observer = instruments.queues.queue('writes');
    const writing = { kubeConfig, stored, observer, perSecond: config.statusWritesPerSecond, log };
    const keeping = { kubeConfig, namespaces, perSecond: config.historyWritesPerSecond, log };
    const policyEditor = kubernetesPolicyEditor(kubeConfig);
    const authenticator =
      auth.way === 'token-review'
        ? new TokenReviewer({
            kubeConfig,
            ...auth,
            namespaces: wanted.namespaces,
            goodForMs: config.tokenReviewMs,
            limiter: limiterOf(config),
            signatures: new TokenKeys({ kubeConfig, log }),
            log,
          })
        : await localAuthenticator(config, log);
    const access = adminAuth === 'review' ? new AccessReviewer({ kubeConfig, log }) : openAccess;
    const { namespace = wanted.kubeconfig === undefined ? podNamespace(kubeConfig) : undefined, ...rest } = replication;
    if (namespace === undefined) {
      return {
        source,
        sink: kubernetesStatusSink(writing),
        overrides,
        history: new KubernetesHistory({ ...keeping, leading: () => true }),
        policyEditor,
        authenticator,
        access,
        instruments,
        ...kept,
      };
    }
    const replicas = new KubernetesReplicas({ ...rest, kubeConfig, namespace, clock: performance, log });
    const permit = () => replicas.permit;
    const sink = kubernetesStatusSink({ ...writing, instance: rest.replica, permit });
    const leading = () => replicas.permit !== undefined;
    const history = new KubernetesHistory({ ...keeping, leading });
    return { source, sink, overrides, history, policyEditor, replicas, authenticator, access, instruments, ...kept };
  }
  const { folder } = wanted;
  const found = await stat(folder).catch((error: Error) => {
    throw new CliError(
      EXIT_CODES.unreachable,
      `--policies: ${unreadable(folder, error)}; create the folder or name another`,
    );
  });
  if (!found.isDirectory())
    throw new CliError(EXIT_CODES.unreachable, `--policies: ${folder} is not a folder; name one`);
  const overrides = await localOverrides({ stateFolder, wallClock: Date.now, log });
  return {
    source: directorySource({ folder, stateFolder, overrides, log }),
    sink: noOpStatusSink,
    overrides,
    history: localHistory({ stateFolder, wallClock: Date.now, log }),
    policyEditor: noPolicyEditor,
    authenticator: await localAuthenticator(config, log),
    access: openAccess,
    ...kept,
  };
};

/** The cluster or the operator that the flags of a command select. */
export const reach: Reach = ({ server, kubeconfig, context, operatorNamespace }) => {
  const asked = kubeconfig !== undefined || context !== undefined;
  const config = server === undefined || asked ? userKubeConfig({ kubeconfig, context }, process.env) : undefined;
  if (server === undefined) return new ClusterTarget(config!, operatorNamespace);
  const urls = server.split(',').map((url) => url.trim());
  for (const url of urls) {
    if (/^https?:/i.test(url) && URL.canParse(url)) continue;
    throw new UsageError(`--server: "${url}" is not an http or https URL; give one such as http://127.0.0.1:8702`);
  }
  return new StandaloneTarget(urls, config && (() => requiredToken(config)));
};

/** A client of the API server that the flags of a command select. */
export const connect: ConnectCluster = ({ kubeconfig, context }) =>
  new KubeClient(userKubeConfig({ kubeconfig, context }, process.env));
