import { expect, it } from '@jest/globals';
import { readConfig } from './config.ts';

const FLAGS = {
  agentAuth: 'none',
  host: '127.0.0.1',
  maxConnections: '10',
  maxStreamsPerSecond: '10',
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

it.each<[object, string]>([
  [{ port: 'x' }, '--port: must be a whole number'],
  [{ metricsPort: '70000' }, '--metrics-port: '],
  [{ maxConnections: '0' }, '--max-connections: '],
  [{ logLevel: 'loud' }, '--log-level: '],
  [{ agentAuth: 'token-review' }, '--agent-auth: must be none'],
  [{ host: '0.0.0.0' }, '--host: --agent-auth=none believes whatever an agent says'],
  [{ host: '127.0.0.1.example.com' }, '--host: '],
  [{ reportUrl: 'ftp://x' }, '--report-url: must be an http or https URL'],
  [{ policies: 'p', kubeconfig: 'k' }, '--policies reads a folder; leave out --kubeconfig'],
  [{ stateDir: 's' }, '--state-dir keeps the last good text of files; it needs --policies'],
])('refuses %j and names the flag', (flags, message) => {
  expect(() => readConfig({ ...FLAGS, ...flags })).toThrow(message);
});
