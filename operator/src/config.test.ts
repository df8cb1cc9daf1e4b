import { expect, it } from '@jest/globals';
import { readConfig } from './config.ts';

const FLAGS = {
  maxConnections: '10',
  maxStreamsPerSecond: '10',
  maxStreamsPerPod: '10',
  maxReportsPerPod: '10',
  logLevel: 'info',
  logFormat: 'auto',
};

it('takes the ports of a single machine with a folder, and those of a cluster without', () => {
  const ports = (flags: object) => {
    const { agents, metrics, admin } = readConfig({ ...FLAGS, ...flags });
    return [agents.port, metrics.port, admin.port];
  };
  expect(ports({ policies: 'p' })).toEqual([8700, 8701, 8702]);
  expect(ports({})).toEqual([8443, 8080, 8081]);
  expect(ports({ policies: 'p', port: '1', metricsPort: '2', adminPort: '0' })).toEqual([1, 2, 0]);
});

it('serves probes to the whole pod network in a pod only', () => {
  expect(readConfig({ ...FLAGS }).metrics.host).toBe('0.0.0.0');
  expect(readConfig({ ...FLAGS, kubeconfig: 'k' }).metrics.host).toBe('127.0.0.1');
  expect(readConfig({ ...FLAGS, policies: 'p' }).metrics.host).toBe('127.0.0.1');
});

it('knows agents by their tokens wherever there is a cluster or a file of tokens', () => {
  expect(readConfig({ ...FLAGS }).auth).toEqual({ way: 'token-review', audience: 'fuseboard', withoutPod: false });
  expect(readConfig({ ...FLAGS, kubeconfig: 'k' }).auth.way).toBe('token-review');
  expect(readConfig({ ...FLAGS, kubeconfig: 'k', agentAuth: 'none' }).auth.way).toBe('none');
  expect(readConfig({ ...FLAGS, policies: 'p' }).auth.way).toBe('none');
  expect(readConfig({ ...FLAGS, policies: 'p', agentTokens: 't' }).auth).toEqual({ way: 'file', path: 't' });
});

it('keeps the admin API on loopback wherever agents are served', () => {
  const { agents, admin } = readConfig({ ...FLAGS, policies: 'p', agentTokens: 't', host: '0.0.0.0' });
  expect([agents.host, admin.host]).toEqual(['0.0.0.0', '127.0.0.1']);
});

it.each<[object, string]>([
  [{ port: 'x' }, '--port: must be a whole number'],
  [{ metricsPort: '70000' }, '--metrics-port: '],
  [{ maxConnections: '0' }, '--max-connections: '],
  [{ logLevel: 'loud' }, '--log-level: '],
  [{ agentAuth: 'mtls' }, '--agent-auth: must be token-review, file or none'],
  [{ agentAuth: 'none' }, '--agent-auth: none is not for a pod of a cluster'],
  [{ agentAuth: 'file', agentTokens: 't' }, '--agent-auth: file is not for a pod of a cluster'],
  [{ agentAuth: 'token-review', policies: 'p' }, '--agent-auth: token-review asks the API server'],
  [{ agentAuth: 'file', policies: 'p' }, '--agent-auth: file needs --agent-tokens FILE'],
  [{ agentTokens: 't', kubeconfig: 'k' }, '--agent-tokens is for --agent-auth=file, not token-review'],
  [{ allowTokensWithoutPod: true, policies: 'p' }, '--allow-tokens-without-pod is for --agent-auth=token-review'],
  [{ tlsCertFile: 'c' }, '--tls-cert-file needs --tls-key-file'],
  [{ tlsKeyFile: 'c' }, '--tls-key-file needs --tls-cert-file'],
  [{ policies: 'p', host: '0.0.0.0' }, '--host: --agent-auth=none believes whatever an agent says'],
  [{ policies: 'p', host: '127.0.0.1.example.com' }, '--host: '],
  [{ reportUrl: 'ftp://x' }, '--report-url: must be an http or https URL'],
  [{ policies: 'p', kubeconfig: 'k' }, '--policies reads a folder; leave out --kubeconfig'],
  [{ stateDir: 's' }, '--state-dir keeps the last good text of files; it needs --policies'],
])('refuses %j and names the flag', (flags, message) => {
  expect(() => readConfig({ ...FLAGS, ...flags })).toThrow(message);
});
