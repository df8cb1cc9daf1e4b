#!/usr/bin/env node
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { openAccess } from './auth/open-access.ts';
import { tokenFile } from './auth/token-file.ts';
import { trusting } from './auth/trusting.ts';
import { StandaloneTarget } from './client/standalone.ts';
import type { Reach } from './client/target.ts';
import { EXIT, Failure } from './commands/exit.ts';
import { program } from './commands/program.ts';
import type { Construct } from './commands/serve.ts';
import { type Config, UsageError } from './config.ts';
import type { Authenticator } from './core/authenticator.ts';
import { quietSink } from './core/quiet-sink.ts';
import { AccessReviewer } from './kube/access-review.ts';
import { ClusterTarget, userToken } from './kube/cluster-target.ts';
import { podNamespace, readKubeConfig, userKubeConfig } from './kube/config.ts';
import { KubernetesHistory } from './kube/history.ts';
import { kubernetesOverrides } from './kube/overrides.ts';
import { preflight } from './kube/preflight.ts';
import { KubernetesReplicas } from './kube/replicas.ts';
import { ReviewBudget } from './kube/review-budget.ts';
import { kubernetesRollback } from './kube/rollback.ts';
import { kubernetesStatusSink } from './kube/status-writer.ts';
import { TokenReviewer } from './kube/token-review.ts';
import { Instruments } from './metrics/instruments.ts';
import { directorySource } from './sources/directory.ts';
import { localHistory, noRollback } from './sources/history.ts';
import { kubernetesSource } from './sources/kubernetes.ts';
import { localOverrides } from './sources/overrides.ts';

/** Without a cluster. */
const local = async ({ auth }: Config, log: Logger): Promise<Authenticator> => {
  if (auth.way !== 'file') return trusting;
  return tokenFile({ path: auth.path, log }).catch((error: Error) => {
    throw new Failure(EXIT.unreachable, error.message);
  });
};

/** Every stream that is let in may show a token that is not known yet. */
const budgetOf = ({ maxStreamsPerSecond: perSecond, maxBadTokens: badPerAddress }: Config) =>
  new ReviewBudget({ perSecond, badPerAddress, clock: performance });

const construct: Construct = async (config, log) => {
  const { source: wanted, auth, adminAuth, replication } = config;
  if (wanted.kind === 'kubernetes') {
    const kubeConfig = readKubeConfig(wanted, process.env);
    const { namespaces, kubeconfig } = wanted;
    const problem = await preflight({ kubeConfig, namespaces, mustAnswer: kubeconfig !== undefined });
    if (problem !== undefined) throw new Failure(EXIT.unreachable, problem);
    const source = kubernetesSource({ kubeConfig, namespaces: wanted.namespaces, log });
    const stored = source.stored.bind(source);
    const overrides = kubernetesOverrides(kubeConfig);
    const instruments = new Instruments(performance);
    const writing = { kubeConfig, stored, observer: instruments.queues.queue('writes'), log };
    const rollback = kubernetesRollback(kubeConfig);
    const authenticator =
      auth.way === 'token-review'
        ? new TokenReviewer({
            kubeConfig,
            ...auth,
            namespaces: wanted.namespaces,
            goodForMs: config.tokenReviewMs,
            budget: budgetOf(config),
            log,
          })
        : await local(config, log);
    const access = adminAuth === 'review' ? new AccessReviewer({ kubeConfig, log }) : openAccess;
    const { namespace = wanted.kubeconfig === undefined ? podNamespace(kubeConfig) : undefined, ...rest } = replication;
    if (namespace === undefined) {
      return {
        source,
        sink: kubernetesStatusSink(writing),
        overrides,
        history: new KubernetesHistory({ kubeConfig, namespaces, leading: () => true, log }),
        rollback,
        authenticator,
        access,
        instruments,
      };
    }
    const replicas = new KubernetesReplicas({ ...rest, kubeConfig, namespace, clock: performance, log });
    const permit = () => replicas.permit;
    const sink = kubernetesStatusSink({ ...writing, instance: rest.replica, permit });
    const leading = () => replicas.permit !== undefined;
    const history = new KubernetesHistory({ kubeConfig, namespaces, leading, log });
    return { source, sink, overrides, history, rollback, replicas, authenticator, access, instruments };
  }
  const { folder } = wanted;
  const found = await stat(folder).catch((error: Error) => {
    throw new Failure(EXIT.unreachable, `--policies: ${error.message}; make the folder or name another`);
  });
  if (!found.isDirectory()) throw new Failure(EXIT.unreachable, `--policies: ${folder} is not a folder; name one`);
  const overrides = await localOverrides({ stateFolder: wanted.stateFolder, wallClock: Date.now, log });
  return {
    source: directorySource({ ...wanted, overrides, log }),
    sink: quietSink,
    overrides,
    history: localHistory({ stateFolder: wanted.stateFolder, wallClock: Date.now, log }),
    rollback: noRollback,
    authenticator: await local(config, log),
    access: openAccess,
  };
};

const reach: Reach = ({ server, kubeconfig, context, operatorNamespace }) => {
  const asked = kubeconfig !== undefined || context !== undefined;
  const config = server === undefined || asked ? userKubeConfig({ kubeconfig, context }, process.env) : undefined;
  if (server === undefined) return new ClusterTarget(config!, operatorNamespace);
  if (!URL.canParse(server)) {
    throw new UsageError(`--server: ${server} is not a URL; give one such as http://127.0.0.1:8702`);
  }
  return new StandaloneTarget(server, config && (() => userToken(config)));
};

const { argv, stdout: out, stderr: err } = process;
process.exitCode = await program({ args: argv.slice(2), out, err }, { construct, reach });
