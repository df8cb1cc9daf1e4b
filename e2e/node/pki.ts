import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { run } from '../cluster/run.ts';
import { inUrl } from './addresses.ts';
import type { Workspace } from './workspace.ts';

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];

/** The users of the cluster's own programs, by the name of their kubeconfig. */
const usersOf = (nodes: readonly number[]): Readonly<Record<string, readonly [user: string, group?: string]>> => ({
  admin: ['admin', 'system:masters'],
  'controller-manager': ['system:kube-controller-manager'],
  scheduler: ['system:kube-scheduler'],
  proxy: ['system:kube-proxy', 'system:node-proxier'],
  ...Object.fromEntries(
    nodes.map((node) => [`kubelet-${node}`, [`system:node:node-${node}`, 'system:nodes'] as const]),
  ),
});

/**
 * Makes the cluster's authority, the certificates of its servers, and a kubeconfig with a token for each of its
 * programs.
 */
export async function makePki(workspace: Workspace, nodes: readonly number[]): Promise<void> {
  await mkdir(workspace.path('pki'));
  const at = (name: string) => workspace.path('pki', name);
  const openssl = (...args: string[]) => run('openssl', args);
  await openssl(
    'req',
    '-x509',
    ...CURVE,
    '-days',
    '30',
    '-subj',
    '/CN=node-ca',
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
  );
  const certificate = async (name: string, subject: string, names?: string) => {
    const request = at(`${name}.csr`);
    const made = [
      '-CA',
      at('ca.crt'),
      '-CAkey',
      at('ca.key'),
      '-CAcreateserial',
      '-days',
      '30',
      '-out',
      at(`${name}.crt`),
    ];
    const extensions =
      names === undefined ? [] : ['-extfile', await workspace.write(`pki/${name}.ext`, `subjectAltName=${names}`)];
    await openssl('req', ...CURVE, '-subj', subject, '-keyout', at(`${name}.key`), '-out', request);
    await openssl('x509', '-req', '-in', request, ...made, ...extensions);
  };
  const names = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'];
  const addresses = [workspace.addresses.apiService, workspace.addresses.apiServer, '127.0.0.1'].map(
    (address) => `IP:${address}`,
  );
  await certificate('api-server', '/CN=kube-apiserver', [...names.map((name) => `DNS:${name}`), ...addresses].join());
  await certificate('kubelet-client', '/O=system:masters/CN=api-server');
  await openssl('genrsa', '-out', at('service-accounts.key'), '2048');
  await openssl('rsa', '-in', at('service-accounts.key'), '-pubout', '-out', at('service-accounts.pub'));
  const lines: string[] = [];
  for (const [name, [user, group = '']] of Object.entries(usersOf(nodes))) {
    const token = randomBytes(16).toString('hex');
    lines.push(`${token},${user},${user},"${group}"`);
    await writeKubeconfig(workspace, name, token);
  }
  await workspace.write('pki/tokens.csv', `${lines.join('\n')}\n`);
}

/** Writes a kubeconfig that uses a token and returns its path. */
export async function writeKubeconfig(workspace: Workspace, name: string, token: string): Promise<string> {
  const authority = (await readFile(workspace.path('pki', 'ca.crt'))).toString('base64');
  const cluster = {
    server: `https://${inUrl(workspace.addresses.apiServer)}:6443`,
    'certificate-authority-data': authority,
  };
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'node', cluster }],
    users: [{ name, user: { token } }],
    contexts: [{ name: 'node', context: { cluster: 'node', user: name } }],
    'current-context': 'node',
  };
  return workspace.write(`${name}.kubeconfig`, JSON.stringify(config));
}
