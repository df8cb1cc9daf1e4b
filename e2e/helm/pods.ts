import { randomBytes, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';

/**
 * Makes a Pod object that no node will ever run, with a ServiceAccount of the name of its namespace; returns its uid.
 */
export async function makePod(
  cluster: Cluster,
  namespace: string,
  name: string,
  labels: Record<string, string> = {},
): Promise<string> {
  const spec = { serviceAccountName: namespace, containers: [{ name: 'c', image: 'registry.example/service' }] };
  const items = [
    { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: namespace, namespace } },
    { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels }, spec },
  ];
  const list = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
  await cluster.kubectl('apply', '-f', '-', { input: list });
  return cluster.kubectl('get', 'pod', name, '-n', namespace, '-o', 'jsonpath={.metadata.uid}');
}

/** A token as the kubelet projects it into a pod. */
export async function podToken(
  cluster: Cluster,
  namespace: string,
  pod: string,
  audience = 'fuseboard',
): Promise<string> {
  const uid = await cluster.kubectl('get', 'pod', pod, '-n', namespace, '-o', 'jsonpath={.metadata.uid}');
  const bound = ['--bound-object-kind=Pod', `--bound-object-name=${pod}`, `--bound-object-uid=${uid}`];
  return (
    await cluster.kubectl('create', 'token', namespace, '-n', namespace, `--audience=${audience}`, ...bound)
  ).trim();
}

/**
 * The same token with other times, signed by the key that the API server signs with, because it makes none that live
 * for less than ten minutes. `secondsLeft` may be negative.
 */
export async function agedToken(cluster: Cluster, token: string, secondsLeft: number): Promise<string> {
  const [head, body] = token.split('.') as [string, string];
  const now = Math.floor(Date.now() / 1_000);
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as object;
  const aged = { ...claims, iat: now - 7_200, nbf: now - 7_200, exp: now + secondsLeft };
  const text = `${head}.${Buffer.from(JSON.stringify(aged)).toString('base64url')}`;
  const key = await readFile(join(cluster.folder, 'sa.key'));
  return `${text}.${sign('sha256', Buffer.from(text), key).toString('base64url')}`;
}

/** Writes a token where a process reads it. */
export async function tokenFile(cluster: Cluster, name: string, token: string): Promise<string> {
  const path = join(cluster.folder, `${name}.token`);
  await writeFile(path, token, { mode: 0o600 });
  return path;
}

export interface OpenedStream {
  readonly status: number;
  /** What came until the first commit, or the whole answer of a refusal. */
  readonly text: string;
}

/** Opens a stream with a plain HTTPS request and reads it until it commits. */
export function openStream(
  port: number,
  caFile: string,
  token: string | undefined,
  query: Record<string, string> = {},
): Promise<OpenedStream> {
  const boot = randomBytes(16).toString('hex');
  const search = new URLSearchParams({ service: 's', instance: 'plain-request', boot, ...query });
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const options = { ca: readFileSync(caFile), headers, agent: false, timeout: 15_000 } as const;
  return new Promise((resolve, reject) => {
    const request = get(`https://localhost:${port}/v1/stream?${search}`, options, (response) => {
      let text = '';
      const done = () => {
        resolve({ status: response.statusCode!, text });
        request.destroy();
      };
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
        if (/^event: commit\n.*\n.*\n\n/m.test(text)) done();
      });
      response.on('end', done);
    });
    request.on('timeout', () => request.destroy(new Error('no answer')));
    request.on('error', reject);
  });
}
