#!/usr/bin/env node
import { stat } from 'node:fs/promises';
import { EXIT, Failure } from './commands/exit.ts';
import { program } from './commands/program.ts';
import type { Construct } from './commands/serve.ts';
import { quietSink } from './core/quiet-sink.ts';
import { podNamespace, readKubeConfig } from './kube/config.ts';
import { KubernetesReplicas } from './kube/replicas.ts';
import { kubernetesStatusSink } from './kube/status-writer.ts';
import { directorySource } from './sources/directory.ts';
import { kubernetesSource } from './sources/kubernetes.ts';

const construct: Construct = async ({ source: wanted, replication }, log) => {
  if (wanted.kind === 'kubernetes') {
    const kubeConfig = readKubeConfig(wanted, process.env);
    const source = kubernetesSource({ kubeConfig, namespaces: wanted.namespaces, log });
    const stored = source.stored.bind(source);
    const { namespace = wanted.kubeconfig === undefined ? podNamespace(kubeConfig) : undefined, ...rest } = replication;
    if (namespace === undefined) return { source, sink: kubernetesStatusSink({ kubeConfig, stored, log }) };
    const replicas = new KubernetesReplicas({ ...rest, kubeConfig, namespace, clock: performance, log });
    const permit = () => replicas.permit;
    const sink = kubernetesStatusSink({ kubeConfig, stored, instance: rest.replica, permit, log });
    return { source, sink, replicas };
  }
  const { folder } = wanted;
  const found = await stat(folder).catch((error: Error) => {
    throw new Failure(EXIT.unreachable, `--policies: ${error.message}; make the folder or name another`);
  });
  if (!found.isDirectory()) throw new Failure(EXIT.unreachable, `--policies: ${folder} is not a folder; name one`);
  return { source: directorySource({ ...wanted, log }), sink: quietSink };
};

const { argv, stdout: out, stderr: err } = process;
process.exitCode = await program({ args: argv.slice(2), out, err }, construct);
