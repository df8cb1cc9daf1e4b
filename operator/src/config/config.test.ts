import { expect, it } from '@jest/globals';
import { z } from 'zod';
import { LIMITS, type Limit } from '../core/limits/limits.ts';
import { readConfig } from './config.ts';
import { FLAG_DEFAULTS } from './defaults.ts';
import { ReplicationFlags, readReplication } from './replication.ts';

it('applies to every flag the default that the command line shows', () => {
  expect(readConfig({})).toEqual(readConfig({ ...FLAG_DEFAULTS }));
  for (const [name, { flag, value }] of Object.entries(LIMITS as Record<string, Limit>)) {
    if (flag === undefined) continue;
    const option = flag.slice(2).replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    expect([name, FLAG_DEFAULTS[option as keyof typeof FLAG_DEFAULTS]]).toEqual([name, String(value)]);
  }
});

it('takes the ports of a single machine with a folder, and those of a cluster without', () => {
  const ports = (flags: object) => {
    const { agents, metrics, admin } = readConfig({ ...flags });
    return [agents.port, metrics.port, admin.port];
  };
  expect(ports({ policies: 'p' })).toEqual([8700, 8701, 8702]);
  expect(ports({})).toEqual([8443, 8080, 8081]);
  expect(ports({ policies: 'p', port: '1', metricsPort: '2', adminPort: '0' })).toEqual([1, 2, 0]);
});

it('takes rates of writes from 1 to 1 000, and 20 without a flag', () => {
  const rates = (flags: object) => {
    const { statusWritesPerSecond, historyWritesPerSecond } = readConfig({ ...flags });
    return [statusWritesPerSecond, historyWritesPerSecond];
  };
  expect(rates({})).toEqual([20, 20]);
  expect(rates({ statusWritesPerSecond: '1000', historyWritesPerSecond: '1' })).toEqual([1_000, 1]);
  expect(() => rates({ statusWritesPerSecond: '0' })).toThrow('--status-writes-per-second: ');
  expect(() => rates({ historyWritesPerSecond: '1001' })).toThrow('--history-writes-per-second: ');
});

it.each([
  ['', []],
  ['shop, ten', ['shop', 'ten']],
  [' shop ,,ten,shop ', ['shop', 'ten']],
])('watches the namespaces of "%s" without the spaces', (watchNamespaces, namespaces) => {
  expect(readConfig({ watchNamespaces }).source).toMatchObject({ namespaces });
});

it.each(['Shop', 'a b', 'shop;ten', '-a', `a${'b'.repeat(63)}`])('refuses the namespace "%s"', (name) => {
  expect(() => readConfig({ watchNamespaces: `shop, ${name}` })).toThrow(
    `--watch-namespaces: "${name}" is not the name of a namespace; give names of`,
  );
});

it('serves probes to the whole pod network in a pod only', () => {
  expect(readConfig({}).metrics.host).toBe('::');
  expect(readConfig({ kubeconfig: 'k' }).metrics.host).toBe('127.0.0.1');
  expect(readConfig({ policies: 'p' }).metrics.host).toBe('127.0.0.1');
});

it('knows agents by their tokens wherever there is a cluster or a file of tokens', () => {
  expect(readConfig({}).auth).toEqual({ way: 'token-review', audience: 'fuseboard', withoutPod: false });
  expect(readConfig({ kubeconfig: 'k' }).auth.way).toBe('token-review');
  expect(readConfig({ kubeconfig: 'k', agentAuth: 'none' }).auth.way).toBe('none');
  expect(readConfig({ policies: 'p' }).auth.way).toBe('none');
  expect(readConfig({ policies: 'p', agentTokens: 't' }).auth).toEqual({ way: 'file', path: 't' });
});

it('keeps the admin API on loopback wherever agents are served', () => {
  const { agents, admin } = readConfig({ policies: 'p', agentTokens: 't', host: '0.0.0.0' });
  expect([agents.host, admin.host]).toEqual(['0.0.0.0', '127.0.0.1']);
});

it('lets people use the admin API by their rights wherever there is a cluster, and everybody on this machine elsewhere', () => {
  expect(readConfig({}).adminAuth).toBe('review');
  expect(readConfig({ kubeconfig: 'k' }).adminAuth).toBe('review');
  expect(readConfig({ kubeconfig: 'k', adminAuth: 'none' }).adminAuth).toBe('none');
  expect(readConfig({ policies: 'p' }).adminAuth).toBe('none');
});

it('serves the admin API beyond loopback when it asks for tokens and hides them', () => {
  const flags = { adminHost: '0.0.0.0', tlsCertFile: 'c', tlsKeyFile: 'k' };
  expect(readConfig(flags).admin.host).toBe('0.0.0.0');
  expect(readConfig({ ...flags, adminHost: '::1' }).admin.host).toBe('::1');
});

it('injects pods only when configured, on the address of agents', () => {
  const tls = { tlsCertFile: 'c', tlsKeyFile: 'k' };
  const webhook = { webhookPort: '9443', webhookAgentsUrl: 'https://x:8443', webhookCaFile: 'a' };
  expect(readConfig({ ...tls }).injection).toBeUndefined();
  expect(readConfig({ ...tls, ...webhook }).injection).toEqual({
    url: 'https://x:8443',
    caFile: 'a',
    address: { host: '::', port: 9443 },
  });
});

it('elects by the usual times, under the name of the host', () => {
  const { replica, ...others } = readConfig({}).replication;
  expect(replica).toMatch(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
  expect(others).toEqual({
    name: 'fuseboard',
    times: { leaseMs: 15_000, deadlineMs: 10_000, retryMs: 2_000, renewMs: 10_000, expiryMs: 30_000 },
  });
});

it.each([
  ['fuseboard-7d9f-abcde', 'fuseboard-7d9f-abcde'],
  ['Node_1.Example.com', 'node-1-example-com'],
  [`${'x'.repeat(62)}--y`, 'x'.repeat(62)],
])('makes the name of a replica of the host %s', (host, expected) => {
  const flags = z.object(ReplicationFlags).parse({});
  expect(readReplication(flags, host)).toMatchObject({ replica: expected });
});

it.each<[object, string]>([
  [{ port: 'x' }, '--port: must be a whole number from 0 to 65535'],
  [{ metricsPort: '70000' }, '--metrics-port: '],
  [{ maxConnections: '0' }, '--max-connections: '],
  [{ logLevel: 'loud' }, '--log-level: '],
  [{ agentAuth: 'mtls' }, '--agent-auth: must be token-review, file or none'],
  [{ agentAuth: 'none' }, '--agent-auth: none is not allowed in a pod'],
  [{ agentAuth: 'file', agentTokens: 't' }, '--agent-auth: file is not allowed in a pod'],
  [{ agentAuth: 'token-review', policies: 'p' }, '--agent-auth: token-review needs an API server'],
  [{ agentAuth: 'file', policies: 'p' }, '--agent-auth: file needs --agent-tokens FILE'],
  [{ agentTokens: 't', kubeconfig: 'k' }, '--agent-tokens is for --agent-auth=file, not token-review'],
  [{ adminAuth: 'basic' }, '--admin-auth: must be none or review'],
  [{ adminAuth: 'review', policies: 'p' }, '--admin-auth: review needs an API server'],
  [{ adminAuth: 'none', adminHost: '0.0.0.0' }, '--admin-host: --admin-auth=none allows every client'],
  [{ adminHost: '0.0.0.0' }, '--admin-host: users send tokens to the admin API'],
  [{ allowTokensWithoutPod: true, policies: 'p' }, '--allow-tokens-without-pod is for --agent-auth=token-review'],
  [{ tlsCertFile: 'c' }, '--tls-cert-file needs --tls-key-file'],
  [{ tlsKeyFile: 'c' }, '--tls-key-file needs --tls-cert-file'],
  [{ policies: 'p', host: '0.0.0.0' }, '--host: --agent-auth=none trusts whatever an agent sends'],
  [{ policies: 'p', host: '127.0.0.1.example.com' }, '--host: '],
  [{ reportUrl: 'ftp://x' }, '--report-url: must be an http or https URL'],
  [{ policies: 'p', kubeconfig: 'k' }, '--policies reads a folder; remove --kubeconfig'],
  [{ webhookPort: '-1' }, '--webhook-port: '],
  [{ webhookCaFile: 'c' }, '--webhook-ca-file is for the webhook that injects pods; give --webhook-port too'],
  [{ webhookAgentsUrl: 'https://x' }, '--webhook-agents-url is for the webhook that injects pods'],
  [{ webhookPort: '0', policies: 'p' }, '--webhook-port injects pods of a cluster, and --policies uses none'],
  [{ webhookPort: '0' }, '--webhook-port needs --tls-cert-file and --tls-key-file'],
  [{ webhookPort: '0', tlsCertFile: 'c', tlsKeyFile: 'k' }, '--webhook-port needs --webhook-agents-url'],
  [
    { webhookPort: '0', tlsCertFile: 'c', tlsKeyFile: 'k', webhookAgentsUrl: 'https://x' },
    '--webhook-port needs --webhook-ca-file',
  ],
  [{ webhookAgentsUrl: 'http://x' }, '--webhook-agents-url: must be an https URL'],
  [{ leaseNamespace: 'n', policies: 'p' }, '--lease-namespace: replicas share a cluster'],
  [{ leaseNamespace: 'No' }, '--lease-namespace: must be the name of a namespace'],
  [{ replicaName: 'a_b' }, '--replica-name: must be lower-case'],
  [{ leaseDuration: '15' }, '--lease-duration: must be a duration such as 15s, from 1ms to 24h'],
  [{ overrideRetention: '2d' }, '--override-retention: must be a duration such as 15s, from 1ms to 24h'],
  [{ leaseDuration: '10s' }, '--lease-duration must be longer than --lease-renew-deadline'],
  [{ leaseRetryPeriod: '10s' }, '--lease-duration must be longer than --lease-renew-deadline'],
  [{ replicaExpiry: '19s' }, '--replica-expiry must be at least twice --replica-renew-period'],
])('refuses %j and names the flag', (flags, message) => {
  expect(() => readConfig({ ...flags })).toThrow(message);
});

it.each([
  ['https://fd00:10:244::5:8443/v1/report', 'https://[fd00:10:244::5]:8443/v1/report'],
  ['https://[fd00::5]:8443/v1/report', 'https://[fd00::5]:8443/v1/report'],
  ['https://10.0.0.5:8443/v1/report', 'https://10.0.0.5:8443/v1/report'],
])('reads the address of a pod in --report-url, %s', (reportUrl, url) => {
  expect(readConfig({ policies: 'p', reportUrl }).reportUrl).toBe(url);
});

it.each(['https://fd00::5', 'https://fd00::zz:8443/v1/report', 'https://fd00::5/v1/report'])(
  'refuses %s as --report-url',
  (reportUrl) => {
    expect(() => readConfig({ policies: 'p', reportUrl })).toThrow('--report-url: must be an http or https URL');
  },
);
