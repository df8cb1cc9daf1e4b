import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually, run } from '../cluster/run.ts';
import { barePods, CHART, Helm, IMAGE, objects, type Rendered } from './helm.ts';
import { REFUSED, VALUE_SETS } from './value-sets.ts';

const NAMESPACE = 'fuseboard-system';
const POLICY = policy('shop', 'payments', { breakers: ['payments'], trip: { consecutiveFailures: 3 } });

let cluster: Cluster;
let helms: Record<3 | 4, Helm>;

const apply = (items: readonly object[], ...args: string[]) =>
  cluster.kubectl('apply', ...args, '-f', '-', {
    input: JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  });
const withImage = (values: object) => {
  const { image } = values as { image?: object };
  return { ...values, image: { ...IMAGE.image, ...image } };
};
/** Stands for the definitions of another project: the API server takes any object of the kind. */
const anyDefinition = (group: string, version: string, kind: string) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${kind.toLowerCase()}s.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural: `${kind.toLowerCase()}s` },
    versions: [
      {
        name: version,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

beforeAll(async () => {
  cluster = await startCluster();
  helms = { 3: await Helm.find(3, cluster), 4: await Helm.find(4, cluster) };
  for (const name of [NAMESPACE, 'shop', 'bank', 'strict', 'monitoring']) await cluster.namespace(name);
  await cluster.kubectl('label', 'namespace', 'strict', 'pod-security.kubernetes.io/enforce=restricted');
  await apply([
    anyDefinition('cert-manager.io', 'v1', 'Certificate'),
    anyDefinition('monitoring.coreos.com', 'v1', 'ServiceMonitor'),
    anyDefinition('monitoring.coreos.com', 'v1', 'PodMonitor'),
    anyDefinition('monitoring.coreos.com', 'v1', 'PrometheusRule'),
  ]);
  await cluster.kubectl('wait', '--for=condition=Established', '--timeout=30s', 'crd', '--all');
}, 600_000);

afterAll(() => cluster?.stop());

/** A certificate that is made while rendering is another one each time. */
const comparable = (rendered: Rendered[]) => {
  const made = rendered.find(({ kind }) => kind === 'Secret')?.data['ca.crt'];
  return rendered.map((object) => {
    if (object.kind === 'Secret') {
      const { 'fuseboard.dev/made-for': _made, ...annotations } = object.metadata.annotations ?? {};
      return { ...object, metadata: { ...object.metadata, annotations }, data: Object.keys(object.data) };
    }
    return made === undefined ? object : JSON.parse(JSON.stringify(object).replaceAll(made, 'made'));
  });
};

describe('the chart', () => {
  it.each(Object.entries(VALUE_SETS))(
    'with %s: is linted and rendered alike by Helm 3 and 4, and accepted whole',
    async (_name, set) => {
      const values = withImage(set);
      for (const helm of Object.values(helms)) await helm.run(['lint', '--strict', CHART], values);
      const [three, four] = await Promise.all([
        helms[3].template(NAMESPACE, values),
        helms[4].template(NAMESPACE, values),
      ]);
      expect(comparable(three)).toEqual(comparable(four));
      await apply(three, '--dry-run=server');
    },
  );

  it.each(Object.entries(VALUE_SETS))('with %s: runs pods that the level restricted admits', async (_name, set) => {
    const pods = barePods(await helms[4].template(NAMESPACE, withImage(set)));
    expect(pods).toHaveLength(2);
    await apply(pods, '--dry-run=server', '-n', 'strict');
  });

  it('would not be admitted with a looser container, so the level is enforced', async () => {
    const values = withImage({ securityContext: { allowPrivilegeEscalation: true } });
    const pods = barePods(await helms[4].template(NAMESPACE, values));
    await expect(apply(pods, '--dry-run=server', '-n', 'strict')).rejects.toThrow(/violates PodSecurity "restricted/);
  });

  it.each(REFUSED)('refuses %j and says why', async (set, sentence) => {
    const values = 'image' in set ? set : withImage(set);
    for (const helm of Object.values(helms)) {
      await expect(helm.run(['install', 'fuseboard', CHART, '-n', NAMESPACE], values)).rejects.toThrow(sentence);
    }
  });

  it('knows in its schema exactly the values that it has', async () => {
    interface Schema {
      readonly properties?: Record<string, Schema>;
      readonly additionalProperties?: unknown;
    }
    const [values] = objects(
      await readFile(join(CHART, 'values.yaml'), 'utf8').then((text) => `metadata: {}\n${text}`),
    );
    const schema = JSON.parse(await readFile(join(CHART, 'values.schema.json'), 'utf8')) as Schema;
    const missing: string[] = [];
    const compare = (value: unknown, known: Schema, path: string): void => {
      if (known.properties === undefined || typeof value !== 'object' || value === null) return;
      expect([path, known.additionalProperties]).toEqual([path, false]);
      const keys = Object.keys(value);
      const open = Object.keys(known.properties).filter(
        (key) => !keys.includes(key) && !['global', 'kind', 'name', 'group'].includes(key),
      );
      missing.push(...open.map((key) => `${path}${key}`));
      for (const [key, inner] of Object.entries(value)) {
        if (known.properties[key] === undefined) missing.push(`${path}${key}`);
        else compare(inner, known.properties[key], `${path}${key}.`);
      }
    };
    const { metadata: _none, ...own } = values!;
    compare(own, schema, '');
    expect(missing).toEqual([]);
  });

  it("gives the cluster's roles what they are for", async () => {
    const roles = (await helms[4].template(NAMESPACE, IMAGE)).filter(({ metadata }) =>
      /\.policies-/.test(metadata.name),
    );
    const verbs = roles.map(({ metadata, rules }) => [
      Object.keys(metadata.labels!).find((label) => label.includes('aggregate-to-')),
      rules[0].verbs.join(' '),
    ]);
    expect(verbs).toEqual([
      ['rbac.authorization.k8s.io/aggregate-to-admin', 'create update patch delete deletecollection'],
      ['rbac.authorization.k8s.io/aggregate-to-edit', 'create update patch delete deletecollection'],
      ['rbac.authorization.k8s.io/aggregate-to-view', 'get list watch'],
    ]);
  });

  it('tells each replica its own address, and lets replicas meet under the name of the release', async () => {
    const rendered = await helms[4].template(NAMESPACE, withImage({ fullnameOverride: 'breakers' }));
    const { spec } = rendered.find(({ kind }) => kind === 'Deployment')!;
    const [{ args, env }] = spec.template.spec.containers;
    expect(spec.replicas).toBe(2);
    expect(args).toEqual(
      expect.arrayContaining(['--report-url=https://$(POD_IP):8443/v1/report', '--lease-name=breakers']),
    );
    expect(env).toEqual([{ name: 'POD_IP', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } }]);
    const role = rendered.find(({ kind, metadata }) => kind === 'Role' && metadata.name === 'breakers-replicas')!;
    expect(role.metadata.namespace).toBe(NAMESPACE);
  });
});

describe('the rules and the dashboard of the chart', () => {
  const render = (metrics: object) => helms[4].template(NAMESPACE, withImage({ metrics }));
  const plain = (file: string) => readFile(join(CHART, 'rules', file), 'utf8').then((text) => parse(text).groups);

  it('are the plain files, as they are', async () => {
    const rendered = await render({ rules: { enabled: true }, dashboard: { enabled: true } });
    const rules = rendered.find(({ kind }) => kind === 'PrometheusRule')!;
    expect(rules.spec.groups).toEqual([...(await plain('recording.yaml')), ...(await plain('alerts.yaml'))]);
    const dashboard = rendered.find(({ metadata }) => metadata.name === 'fuseboard-dashboard')!;
    expect(dashboard.metadata.labels).toMatchObject({ grafana_dashboard: '1' });
    const { 'fuseboard.json': text } = dashboard.data;
    expect(text).toBe((await readFile(join(CHART, 'dashboards/fuseboard.json'), 'utf8')).trimEnd());
  });

  it('change as asked, and are still what promtool accepts', async () => {
    const rendered = await render((VALUE_SETS['rules and a dashboard'] as { metrics: object }).metrics);
    const { spec } = rendered.find(({ kind }) => kind === 'PrometheusRule')!;
    const file = join(cluster.folder, 'rules.yaml');
    await writeFile(file, JSON.stringify(spec));
    expect(await run('promtool', ['check', 'rules', file])).toContain('SUCCESS');
    const alerts = spec.groups.flatMap(({ rules }: { rules: { alert?: string }[] }) =>
      rules.filter((rule) => rule.alert),
    );
    expect(alerts.map(({ alert }: { alert: string }) => alert)).not.toContain('FuseboardOperatorDown');
    expect(alerts[0]).toMatchObject({
      alert: 'FuseboardBreakerOpenTooLong',
      for: '1h',
      labels: { severity: 'critical', team: 'platform' },
      annotations: { runbook_url: 'https://docs.example/alerts.md#fuseboardbreakeropentoolong' },
    });
  });
});

it('gives the webhook the authority of the very secret that it installs, or that is there, or asks cert-manager for it', async () => {
  const bundle = (rendered: readonly Rendered[]) =>
    rendered.find(({ kind }) => kind === 'MutatingWebhookConfiguration')!.webhooks[0].clientConfig.caBundle;
  const own = await helms[4].template(NAMESPACE, IMAGE);
  const secret = own.find(({ metadata }) => metadata.name === 'fuseboard-tls')!;
  expect(bundle(own)).toBe(secret.data['ca.crt']);
  const manager = await helms[4].template(
    NAMESPACE,
    withImage({ tls: { mode: 'CertManager', issuerRef: { name: 'ca' } } }),
  );
  expect(bundle(manager)).toBeUndefined();
  const { metadata } = manager.find(({ kind }) => kind === 'MutatingWebhookConfiguration')!;
  const certificate = manager.find(({ kind }) => kind === 'Certificate')!;
  expect(metadata.annotations).toEqual({
    'cert-manager.io/inject-ca-from': `${NAMESPACE}/${certificate.metadata.name}`,
  });
  const given = 'kind: Secret\napiVersion: v1\nmetadata: { name: own-tls }\n';
  await cluster.kubectl('create', '-n', NAMESPACE, '-f', '-', {
    input: `${given}data: { tls.crt: '', tls.key: '', ca.crt: ${secret.data['ca.crt']} }\n`,
  });
  const values = withImage({ tls: { mode: 'Secret', secretName: 'own-tls' } });
  for (const helm of Object.values(helms)) {
    const args = ['install', 'fuseboard', CHART, '-n', NAMESPACE, '--dry-run=server', '-o', 'json'];
    const { manifest } = JSON.parse(await helm.run(args, values)) as { manifest: string };
    expect(bundle(objects(manifest))).toBe(secret.data['ca.crt']);
  }
  await cluster.kubectl('delete', 'secret', 'own-tls', '-n', NAMESPACE);
});

it('tells Artifact Hub of every definition, with an example that the API server accepts', async () => {
  const [chart] = objects(`metadata: {}\n${await readFile(join(CHART, 'Chart.yaml'), 'utf8')}`);
  const annotations = chart!.annotations as Record<string, string>;
  const told = parse(annotations['artifacthub.io/crds']!) as { name: string; kind: string; version: string }[];
  const definitions = (await helms[4].template(NAMESPACE, IMAGE)).filter(
    ({ kind }) => kind === 'CustomResourceDefinition',
  );
  expect(told.map(({ name, kind, version }) => [name, kind, version])).toEqual(
    definitions.map(({ metadata, spec }) => [metadata.name, spec.names.kind, spec.versions[0].name]),
  );
  await cluster.applyCrds();
  await apply(parse(annotations['artifacthub.io/crdsExamples']!) as object[], '--dry-run=server');
  await cluster.kubectl('delete', '-f', fileURLToPath(new URL('../../crds', import.meta.url)));
});

/** The chart as an earlier version had it: its definition knew one field less. */
async function earlierChart(): Promise<string> {
  const folder = join(cluster.folder, 'earlier');
  await cp(CHART, folder, { recursive: true });
  const chart = join(folder, 'Chart.yaml');
  await writeFile(chart, (await readFile(chart, 'utf8')).replace('version: 0.1.0', 'version: 0.0.9'));
  const crds = join(folder, 'templates/crds.yaml');
  const text = await readFile(crds, 'utf8');
  const without = text.replace(/^ {16}onUpdate:\n(?: {18,}.*\n)+/m, '');
  expect(without).not.toBe(text);
  await writeFile(crds, without);
  return folder;
}

describe.each([3, 4] as const)('with Helm %i', (major) => {
  const helm = (args: readonly string[], values: object = {}) =>
    helms[major].run([...args, '--namespace', NAMESPACE], values && withImage(values));
  const uninstall = () => helms[major].run(['uninstall', 'fuseboard', '--namespace', NAMESPACE]);
  const data = async () =>
    JSON.parse(await cluster.kubectl('get', 'secret', 'fuseboard-tls', '-n', NAMESPACE, '-o', 'jsonpath={.data}'));
  const served = () => eventually(() => cluster.kubectl('get', 'cbp', '-A'));
  const crd = 'crd/circuitbreakerpolicies.fuseboard.dev';
  const field = () => cluster.kubectl('get', crd, '-o', 'jsonpath={..properties.spec.properties.onUpdate.type}');

  it('a release is installed, upgraded with its definition and its certificate kept, and leaves its policies behind', async () => {
    expect(await helm(['install', 'fuseboard', await earlierChart()])).toContain('Apply a policy:');
    await served();
    expect(await field()).toBe('');
    await eventually(() => apply([POLICY]));
    const certificate = await data();
    expect(Object.keys(certificate).sort()).toEqual(['ca.crt', 'tls.crt', 'tls.key']);

    await helm(['upgrade', 'fuseboard', CHART], { log: { level: 'debug' } });
    expect(await field()).toBe('string');
    expect(await data()).toEqual(certificate);
    const args = await cluster.kubectl(
      'get',
      'deployment',
      'fuseboard',
      '-n',
      NAMESPACE,
      '-o',
      'jsonpath={..containers[0].args}',
    );
    expect(args).toContain('--log-level=debug');

    await helm(['upgrade', 'fuseboard', CHART], { tls: { dnsNames: ['elsewhere.example'] } });
    const renamed = await data();
    expect(renamed['tls.crt']).not.toBe(certificate['tls.crt']);
    expect(renamed['ca.crt']).toBe(certificate['ca.crt']);

    await uninstall();
    expect(await cluster.kubectl('get', 'cbp', '-n', 'shop', '-o', 'name')).toContain('payments');
    for (const kind of [
      'deployment',
      'service',
      'secret',
      'clusterrole',
      'clusterrolebinding',
      'role',
      'rolebinding',
      'networkpolicy',
      'pdb',
      'mutatingwebhookconfiguration',
      'hpa',
    ]) {
      const left = await cluster.kubectl('get', kind, '-A', '-l', 'app.kubernetes.io/instance=fuseboard', '-o', 'name');
      expect([kind, left]).toEqual([kind, kind === 'secret' ? 'secret/fuseboard-ca\n' : '']);
    }

    await helm(['install', 'fuseboard', CHART]);
    expect((await data())['ca.crt']).toBe(certificate['ca.crt']);
    expect(await cluster.kubectl('get', 'cbp', '-n', 'shop', '-o', 'name')).toContain('payments');
    await helm(['upgrade', 'fuseboard', CHART], { crds: { keep: false }, tls: { keepAuthority: false } });
    await uninstall();
    expect(await cluster.kubectl('get', 'secret', '-n', NAMESPACE, '-o', 'name')).toBe('');
    await eventually(async () => (await cluster.kubectl('get', 'crd', '-o', 'name')).includes('fuseboard') === false);
  }, 120_000);

  it('definitions that were applied with kubectl are taken over, or left alone', async () => {
    await cluster.applyCrds();
    await expect(helm(['install', 'fuseboard', CHART])).rejects.toThrow(/invalid ownership metadata/);
    await helm(['install', 'fuseboard', CHART], { crds: { enabled: false } });
    await uninstall();
    expect(await cluster.kubectl('get', crd, '-o', 'name')).toContain('fuseboard');
    await helm(['install', 'fuseboard', CHART, '--take-ownership']);
    await uninstall();
    await cluster.kubectl('delete', crd);
  }, 120_000);
});
