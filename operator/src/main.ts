#!/usr/bin/env node
import { stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import { openAccess } from './auth/open-access.ts';
import { tokenFile } from './auth/token-file.ts';
import { trusting } from './auth/trusting.ts';
import { EXIT, Failure } from './commands/exit.ts';
import { program } from './commands/program.ts';
import type { Construct } from './commands/serve.ts';
import type { Config } from './config.ts';
import type { Authenticator } from './core/authenticator.ts';
import { quietSink } from './core/quiet-sink.ts';
import { podNamespace, readKubeConfig } from './kube/config.ts';
import { preflight } from './kube/preflight.ts';
import { KubernetesReplicas } from './kube/replicas.ts';
import { kubernetesStatusSink } from './kube/status-writer.ts';
import { TokenReviewer } from './kube/token-review.ts';
import { directorySource } from './sources/directory.ts';
import { kubernetesSource } from './sources/kubernetes.ts';

/** Without a cluster. */
const local = async ({ auth }: Config, log: Logger): Promise<Authenticator> => {
  if (auth.way !== 'file') return trusting;
  return tokenFile({ path: auth.path, log }).catch((error: Error) => {
    throw new Failure(EXIT.unreachable, error.message);
  });
};

const construct: Construct = async (config, log) => {
  const { source: wanted, auth, replication } = config;
  if (wanted.kind === 'kubernetes') {
    const kubeConfig = readKubeConfig(wanted, process.env);
    const { namespaces, kubeconfig } = wanted;
    const problem = await preflight({ kubeConfig, namespaces, mustAnswer: kubeconfig !== undefined });
    if (problem !== undefined) throw new Failure(EXIT.unreachable, problem);
    const source = kubernetesSource({ kubeConfig, namespaces: wanted.namespaces, log });
    const stored = source.stored.bind(source);
    const authenticator =
      auth.way === 'token-review'
        ? new TokenReviewer({ kubeConfig, ...auth, namespaces: wanted.namespaces, log })
        : await local(config, log);
    const { namespace = wanted.kubeconfig === undefined ? podNamespace(kubeConfig) : undefined, ...rest } = replication;
    if (namespace === undefined) {
      return { source, sink: kubernetesStatusSink({ kubeConfig, stored, log }), authenticator, access: openAccess };
    }
    const replicas = new KubernetesReplicas({ ...rest, kubeConfig, namespace, clock: performance, log });
    const permit = () => replicas.permit;
    const sink = kubernetesStatusSink({ kubeConfig, stored, instance: rest.replica, permit, log });
    return { source, sink, replicas, authenticator, access: openAccess };
  }
  const { folder } = wanted;
  const found = await stat(folder).catch((error: Error) => {
    throw new Failure(EXIT.unreachable, `--policies: ${error.message}; make the folder or name another`);
  });
  if (!found.isDirectory()) throw new Failure(EXIT.unreachable, `--policies: ${folder} is not a folder; name one`);
  return {
    source: directorySource({ ...wanted, log }),
    sink: quietSink,
    authenticator: await local(config, log),
    access: openAccess,
  };
};

const { argv, stdout: out, stderr: err } = process;
process.exitCode = await program({ args: argv.slice(2), out, err }, construct);
