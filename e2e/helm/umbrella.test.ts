import { cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { stringify } from 'yaml';
import { OPERATOR_LABELS } from '../../operator/src/cli/client/target.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { barePods, CHART, Helm, IMAGE, objects } from './helm.ts';

let cluster: Cluster;
let helms: Record<3 | 4, Helm>;

beforeAll(async () => {
  cluster = await startCluster();
  helms = { 3: await Helm.find(3, cluster), 4: await Helm.find(4, cluster) };
  for (const name of ['platform', 'shop', 'a', 'a-b']) await cluster.namespace(name);
}, 600_000);

afterAll(() => cluster?.stop());

/** A chart that has this one as a dependency, with a condition and global values. */
async function umbrella(): Promise<string> {
  const folder = join(cluster.folder, 'umbrella');
  await mkdir(join(folder, 'charts'), { recursive: true });
  await cp(CHART, join(folder, 'charts', 'fuseboard'), { recursive: true });
  const dependencies = [{ name: 'fuseboard', version: '0.1.0', condition: 'fuseboard.enabled' }];
  await writeFile(
    join(folder, 'Chart.yaml'),
    stringify({ apiVersion: 'v2', name: 'umbrella', version: '0.1.0', dependencies }),
  );
  const values = { global: { imageRegistry: 'registry.example', storageClass: 'fast' }, fuseboard: IMAGE };
  await writeFile(join(folder, 'values.yaml'), stringify(values));
  return folder;
}

describe.each([3, 4] as const)('with Helm %i', (major) => {
  it('is a dependency that a condition turns off, under the names of the release', async () => {
    const folder = await umbrella();
    const on = objects(await helms[major].run(['template', 'one', folder, '--namespace', 'platform']));
    expect(on.filter(({ kind }) => kind === 'Deployment').map(({ metadata }) => metadata.name)).toEqual([
      'one-fuseboard',
    ]);
    const off = await helms[major].run([
      'template',
      'one',
      folder,
      '--namespace',
      'platform',
      '--set',
      'fuseboard.enabled=false',
    ]);
    expect(objects(off)).toEqual([]);
  });

  it('installs policies of extraObjects with the definitions, or says how, and edits them in upgrades', async () => {
    const objectsOf = (failures: number) => {
      const one = policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: failures } });
      const { metadata, ...rest } = one;
      const other = { ...rest, metadata: { ...metadata, name: '{{ .Release.Name }}-other' } };
      const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'beside', namespace: 'shop' } };
      return [one, `${stringify(other)}---\n${stringify(map)}`];
    };
    const helm = (verb: string, failures: number, ...more: string[]) =>
      helms[major].run([verb, 'fuseboard', CHART, '--namespace', 'platform', ...more], {
        ...IMAGE,
        crds: { keep: false },
        tls: { keepAuthority: false },
        extraObjects: objectsOf(failures),
      });
    const stored = async () => {
      const { items } = JSON.parse(await cluster.kubectl('get', 'cbp', '-n', 'shop', '-o', 'json')) as {
        items: { metadata: { name: string; uid: string }; spec: { trip: { consecutiveFailures: number } } }[];
      };
      return items.map(({ metadata, spec }) => [metadata.name, metadata.uid, spec.trip.consecutiveFailures]);
    };
    if (major === 3) {
      await expect(helm('install', 3)).rejects.toThrow(
        'extraObjects has the CircuitBreakerPolicy payments, and Helm 3 cannot install it together with its definition',
      );
      await cluster.applyCrds();
      await helm('install', 3, '--take-ownership');
    } else {
      await helm('install', 3);
    }
    const first = await stored();
    expect(first.map(([name]) => name)).toEqual(['fuseboard-other', 'payments']);
    await helm('upgrade', 4);
    expect(await stored()).toEqual(first.map(([name, uid]) => [name, uid, 4]));
    await helm('upgrade', 5);
    expect(await stored()).toEqual(first.map(([name, uid]) => [name, uid, 5]));
    await helms[major].run(['uninstall', 'fuseboard', '--namespace', 'platform']);
    await cluster.kubectl('wait', '--for=delete', 'crd/circuitbreakerpolicies.fuseboard.dev', '--timeout=60s');
  }, 180_000);

  it('names the objects of two releases differently, also when their names and namespaces join to the same text', async () => {
    const named = async (release: string, namespace: string) =>
      objects(await helms[major].run(['template', release, CHART, '--namespace', namespace], IMAGE))
        .filter(({ metadata, kind }) => metadata.namespace === undefined && kind !== 'CustomResourceDefinition')
        .map(({ kind, metadata }) => `${kind}/${metadata.name}`)
        .filter((name) => !name.includes('circuitbreakeroverrides'));
    const one = await named('b-fuseboard', 'a');
    const other = await named('fuseboard', 'a-b');
    expect(one.length).toBeGreaterThan(4);
    expect(one.filter((name) => other.includes(name))).toEqual([]);
  });
});

it('is not rendered for Argo CD with a certificate that every sync would replace', async () => {
  const argo = ['template', 'fuseboard', CHART, '--namespace', 'a', '--api-versions', 'argoproj.io/v1alpha1'];
  const tls = { mode: 'Secret', secretName: 'mine' };
  for (const major of [3, 4] as const) {
    await expect(helms[major].run(argo, IMAGE)).rejects.toThrow(
      /tls\.mode is SelfSigned, and Argo CD renders without the cluster: .* set tls\.mode=CertManager/,
    );
    await helms[major].run(argo, { ...IMAGE, tls, webhook: { enabled: false } });
  }
  const names = { plural: 'applications', singular: 'application', kind: 'Application' };
  const schema = { openAPIV3Schema: { type: 'object' } };
  await cluster.apply({
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'applications.argoproj.io' },
    spec: {
      ...{ group: 'argoproj.io', scope: 'Namespaced', names },
      versions: [{ name: 'v1alpha1', served: true, storage: true, schema }],
    },
  });
  await cluster.kubectl('wait', '--for=condition=Established', 'crd/applications.argoproj.io');
  // Helm itself reads the cluster.
  for (const major of [3, 4] as const) {
    await helms[major].run(['install', 'fuseboard', CHART, '--namespace', 'a', '--dry-run=server'], IMAGE);
  }
  await cluster.kubectl('delete', 'crd/applications.argoproj.io', '--wait=false');
}, 120_000);

it('takes labels for pods that the chart sets too, without a key twice, and never lets them change what selects the pods or what the command line finds them by', async () => {
  const values = {
    ...IMAGE,
    commonLabels: { team: 'platform', 'app.kubernetes.io/instance': 'mine' },
    nameOverride: 'breakers',
    podLabels: {
      'app.kubernetes.io/name': 'mine',
      'app.kubernetes.io/version': 'canary',
      'fuseboard.dev/component': 'mine',
    },
  };
  const rendered = await helms[4].template('platform', values);
  const { spec } = rendered.find(({ kind }) => kind === 'Deployment')!;
  expect(spec.template.metadata.labels).toMatchObject({
    ...spec.selector.matchLabels,
    'app.kubernetes.io/version': 'canary',
    team: 'platform',
  });
  const [key, value] = OPERATOR_LABELS.split('=') as [string, string];
  expect(spec.template.metadata.labels).toMatchObject({ [key]: value });
  const webhook = rendered.find(({ kind }) => kind === 'MutatingWebhookConfiguration')!;
  expect(webhook.metadata.labels).toMatchObject({ [key]: value });
  expect(spec.selector.matchLabels).toEqual({
    'app.kubernetes.io/name': 'breakers',
    'app.kubernetes.io/instance': 'fuseboard',
  });
  for (const { metadata } of rendered) expect(metadata.labels).toMatchObject({ team: 'platform' });
});

it('renders with the values of a release that knew none of the newer ones, as --reuse-values gives them', async () => {
  const older = {
    ...IMAGE,
    tls: {
      mode: 'SelfSigned',
      secretName: '',
      issuerRef: {},
      dnsNames: [],
      days: 3650,
      authority: null,
      keepAuthority: null,
    },
    shutdownDelaySeconds: null,
    commonLabels: null,
    deploymentAnnotations: null,
    extraVolumes: null,
    extraVolumeMounts: null,
    initContainers: null,
    extraContainers: null,
    hostNetwork: null,
    dnsPolicy: null,
    dnsConfig: null,
    probes: null,
    enabled: null,
    reader: null,
    global: null,
  };
  for (const helm of Object.values(helms)) {
    const rendered = await helm.template('platform', older);
    expect(rendered.filter(({ kind }) => kind === 'Deployment')).toHaveLength(1);
  }
});

it('names no user where docs/install.md says so for OpenShift', async () => {
  const fields = ['runAsUser', 'runAsGroup', 'fsGroup'];
  const podSecurityContext = Object.fromEntries(fields.map((field) => [field, null]));
  const rendered = await helms[4].template('platform', { ...IMAGE, podSecurityContext });
  const pods = barePods(rendered);
  expect(pods).toHaveLength(2);
  for (const { spec } of pods) {
    expect(spec.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
  }
});
