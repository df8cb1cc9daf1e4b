import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { loadKubeConfig } from './kube-config.ts';

let folder: string;
const before = { KUBECONFIG: process.env.KUBECONFIG, HOME: process.env.HOME };

const write = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const TWO = `
apiVersion: v1
kind: Config
clusters:
  - { name: one, cluster: { server: "https://one.example:6443" } }
  - { name: two, cluster: { server: "https://two.example:6443" } }
users: [{ name: me, user: { token: t } }]
contexts:
  - { name: first, context: { cluster: one, user: me } }
  - { name: second, context: { cluster: two, user: me } }
current-context: first
`;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fuseboard-kubeconfig-'));
  delete process.env.KUBECONFIG;
  process.env.HOME = folder;
});

afterEach(() => {
  rmSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(before)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

describe('the cluster to talk to', () => {
  it('is the current context of the file that is named', () => {
    expect(loadKubeConfig(write('config', TWO)).getCurrentCluster()?.server).toBe('https://one.example:6443');
  });

  it('is the context that is named', () => {
    expect(loadKubeConfig(write('config', TWO), 'second').getCurrentCluster()?.server).toBe('https://two.example:6443');
  });

  it('is in the file that KUBECONFIG names', () => {
    process.env.KUBECONFIG = write('config', TWO);
    expect(loadKubeConfig().getCurrentCluster()?.server).toBe('https://one.example:6443');
  });

  it.each([
    ['a file that is not there', () => loadKubeConfig(join(folder, 'none')), /cannot read the kubeconfig .*none/],
    ['a file that is not YAML', () => loadKubeConfig(write('config', '{')), /cannot read the kubeconfig .*config/],
    ['an empty file', () => loadKubeConfig(write('config', '')), /kubeconfig .*config/],
    ['no current context', () => loadKubeConfig(write('config', TWO.replace(/current.*/, ''))), /use-context/],
    [
      'an unknown context',
      () => loadKubeConfig(write('config', TWO), 'third'),
      /no context "third"; it has: first, second/,
    ],
    ['nothing at all', () => loadKubeConfig(), /no cluster found/],
  ])('is asked for when there is %s', (_name, load, message) => {
    expect(load).toThrow(message);
  });
});
