import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { Agent, createServer, get, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { freePort } from '../../examples/offer-demo/address.ts';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { PythonAgentProcess } from '../processes/python-agent.ts';
import { Installed, SYSTEM, WEBHOOK } from './installed.ts';
import { Kubelet } from './kubelet.ts';

const ASKS = { 'fuseboard.dev/inject': 'true' };

let cluster: Cluster;
let installed: Installed;
let operator: OperatorProcess;
let port: number;
let kubelet: Kubelet;
const agents: (AgentProcess | PythonAgentProcess)[] = [];

/** A pod as a careful team writes it: it passes the level restricted. */
const pod = (name: string, annotations: Record<string, string> = ASKS, more: object = {}) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, labels: { app: 'checkout' }, annotations },
  spec: {
    serviceAccountName: 'checkout',
    automountServiceAccountToken: false,
    securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
    initContainers: [{ ...container('migrate') }, { ...container('proxy'), restartPolicy: 'Always' }],
    containers: [{ ...container('web'), ...more }],
  },
});
const container = (name: string) => ({
  name,
  image: 'registry.example/checkout',
  securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } },
});
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was stored
async function created(object: object, namespace = 'shop'): Promise<any> {
  const stored = JSON.parse(
    await cluster.kubectl('create', '-n', namespace, '-o', 'json', '-f', '-', { input: JSON.stringify(object) }),
  );
  const {
    uid: _uid,
    creationTimestamp: _at,
    managedFields: _who,
    name: _name,
    generation: _nth,
    resourceVersion: _version,
    ...metadata
  } = stored.metadata;
  return { metadata, spec: stored.spec };
}
beforeAll(async () => {
  cluster = await startCluster();
  kubelet = new Kubelet(cluster);
  installed = await Installed.install(cluster);
  port = await freePort();
  operator = await installed.startOperator(`--webhook-port=${port}`);
  await installed.reachWebhook(port);
  for (const namespace of ['shop', 'bank']) {
    await cluster.namespace(namespace);
    await cluster.kubectl('create', 'serviceaccount', 'checkout', '-n', namespace);
  }
  await cluster.kubectl('label', 'namespace', 'shop', SYSTEM, 'kube-system', 'fuseboard.dev/inject=enabled');
  await cluster.kubectl('label', 'namespace', 'shop', 'pod-security.kubernetes.io/enforce=restricted');
  // The API server learns of configurations and labels a moment later.
  await eventually(async () => {
    const probe = JSON.parse(
      await cluster.kubectl('create', '-n', 'shop', '--dry-run=server', '-o', 'json', '-f', '-', {
        input: JSON.stringify(pod('probe')),
      }),
    );
    return probe.spec.volumes?.length === 2;
  });
}, 600_000);

afterEach(async () => {
  await Promise.all(agents.splice(0).map((one) => one.end()));
});
afterAll(async () => {
  await operator?.end();
  await cluster?.stop();
});

it('ends the connection of each answer, so that the API server never asks a replica that is gone by one that it kept', async () => {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const ca = readFileSync(installed.file('ca.crt'));
    const agent = new Agent({ keepAlive: true });
    get(`https://localhost:${port}/inject`, { ca, agent }, (response) => {
      response.resume().once('end', () => {
        agent.destroy();
        resolve(response);
      });
    }).once('error', reject);
  });
  expect(answer.headers.connection).toBe('close');
});

describe('a pod that asks, in a namespace that may', () => {
  it('is given token, authority, URL, cache and a name in every container, and nothing else changes', async () => {
    const plain = await created(pod('plain', {}));
    const injected = await created(pod('injected'));
    const mounts = [
      { name: 'fuseboard-dev-link', mountPath: '/var/run/secrets/fuseboard.dev', readOnly: true },
      { name: 'fuseboard-dev-cache', mountPath: '/var/cache/fuseboard.dev' },
    ];
    const more = { env: [{ name: 'FUSEBOARD_SERVICE', value: 'checkout' }], volumeMounts: mounts };
    const field = (name: string) => ({ apiVersion: 'v1', fieldPath: `metadata.annotations['fuseboard.dev/${name}']` });
    expect(injected).toEqual({
      metadata: {
        ...plain.metadata,
        labels: { app: 'checkout', 'fuseboard.dev/injected': 'true' },
        annotations: {
          ...ASKS,
          'fuseboard.dev/url': `https://localhost:${operator.agentsPort}`,
          'fuseboard.dev/ca': readFileSync(installed.file('ca.crt'), 'utf8'),
          'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes': 'fuseboard-dev-cache',
        },
      },
      spec: {
        ...plain.spec,
        initContainers: plain.spec.initContainers.map((one: object) => ({ ...one, ...more })),
        containers: plain.spec.containers.map((one: object) => ({ ...one, ...more })),
        volumes: [
          {
            name: 'fuseboard-dev-link',
            projected: {
              defaultMode: 0o644,
              sources: [
                { serviceAccountToken: { audience: 'fuseboard', expirationSeconds: 3600, path: 'token' } },
                {
                  downwardAPI: {
                    items: [
                      { path: 'url', fieldRef: field('url') },
                      { path: 'ca.crt', fieldRef: field('ca') },
                    ],
                  },
                },
              ],
            },
          },
          { name: 'fuseboard-dev-cache', emptyDir: {} },
        ],
      },
    });
  });

  it('keeps what it has set itself', async () => {
    const own = {
      env: [
        { name: 'FUSEBOARD_SERVICE', value: 'mine' },
        { name: 'FUSEBOARD_CACHE_DIR', value: '/tmp' },
      ],
      volumeMounts: [{ name: 'own', mountPath: '/var/run/secrets/fuseboard.dev' }],
    };
    const object = pod('own', ASKS, own);
    const stored = await created({ ...object, spec: { ...object.spec, volumes: [{ name: 'own', emptyDir: {} }] } });
    expect(stored.spec.containers).toMatchObject([own]);
    expect(stored.spec.volumes.map(({ name }: { name: string }) => name)).toEqual([
      'own',
      'fuseboard-dev-link',
      'fuseboard-dev-cache',
    ]);
  });

  it.each([
    ['in a namespace without the label', 'bank', ASKS],
    ['in the namespace of the release, whatever its label', SYSTEM, ASKS],
    ['in kube-system, whatever its label', 'kube-system', ASKS],
    ['when it asks in another word', 'shop', { 'fuseboard.dev/inject': 'yes' }],
  ])('stays as it is %s', async (_where, namespace, annotations) => {
    await cluster.kubectl('create', 'serviceaccount', 'checkout', '-n', namespace).catch(() => {});
    const stored = await created(pod('untouched', annotations), namespace);
    expect(stored.spec.volumes).toBeUndefined();
    expect(stored.metadata.annotations).toEqual(annotations);
  });

  it('is asked about again when another webhook has added a container', async () => {
    const added = { op: 'add', path: '/spec/containers/-', value: container('late') };
    const other = await webhook([added]);
    try {
      const [clean] = [
        {
          webhooks: [
            {
              name: 'late.example.dev',
              clientConfig: { url: other.url, caBundle: readFileSync(installed.file('ca.crt')).toString('base64') },
              rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['pods'], operations: ['CREATE'] }],
              admissionReviewVersions: ['v1'],
              sideEffects: 'None',
              failurePolicy: 'Fail',
            },
          ],
        },
      ];
      const configuration = {
        apiVersion: 'admissionregistration.k8s.io/v1',
        kind: 'MutatingWebhookConfiguration',
        metadata: { name: 'zz-late' },
        ...clean,
      };
      await cluster.kubectl('create', '-f', '-', { input: JSON.stringify(configuration) });
      await eventually(async () => {
        const name = `late-${Date.now()}`;
        const stored = await created(pod(name));
        const [web, late] = stored.spec.containers;
        if (late === undefined) return false;
        expect(late.volumeMounts).toEqual(web.volumeMounts);
        expect(stored.spec.volumes).toHaveLength(2);
        return true;
      });
    } finally {
      await cluster.kubectl('delete', 'mutatingwebhookconfiguration', 'zz-late');
      await other.close();
    }
  });
});

/** A webhook of somebody else, with the certificate of the release. */
async function webhook(patch: object[]): Promise<{ url: string; close(): Promise<void> }> {
  const tls = { cert: readFileSync(installed.file('tls.crt')), key: readFileSync(installed.file('tls.key')) };
  const server: Server = createServer(tls, (request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const { uid } = JSON.parse(body).request;
      const encoded = Buffer.from(JSON.stringify(patch)).toString('base64');
      response.setHeader('content-type', 'application/json');
      response.end(
        JSON.stringify({
          apiVersion: 'admission.k8s.io/v1',
          kind: 'AdmissionReview',
          response: { uid, allowed: true, patchType: 'JSONPatch', patch: encoded },
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

describe('a service in such a pod, with nothing configured', () => {
  const apply = (consecutiveFailures: number) =>
    cluster.apply(
      policy('shop', 'payments', {
        selector: { matchLabels: { app: 'checkout' } },
        breakers: ['payments'],
        trip: { consecutiveFailures },
      }),
    );

  it('connects as its pod and runs the policies; a later process starts with what it kept', async () => {
    await apply(2);
    await created(pod('service'));
    const stored = await kubelet.pod('shop', 'service');
    const launch = await kubelet.launch(stored);
    expect(Object.keys(launch.environment)).toEqual(['FUSEBOARD_SERVICE']);
    const one = await AgentProcess.start({}, launch);
    agents.push(one);
    await eventually(async () => (await one.stats('payments')).policy?.name === 'payments');
    expect(await one.call('payments', 'fail', 'fail', 'ok')).toEqual(['failed', 'failed', 'rejected']);
    const { items } = await operator.admin<{ items: object[] }>('/v1/agents', cluster.token);
    expect(items).toMatchObject([
      { namespace: 'shop', pod: stored.metadata.uid, service: 'checkout', labels: { app: 'checkout' } },
    ]);

    await apply(50);
    await cluster.kubectl('wait', '--for=condition=Programmed', 'cbp/payments', '-n', 'shop', '--timeout=30s');
    const { 'fuseboard-dev-cache': cache } = await kubelet.layOut(stored);
    await eventually(async () => (await readdir(cache!)).length === 1);
    await one.end(true);
    const two = await AgentProcess.start({}, launch);
    agents.push(two);
    expect(two.beganWith).toBe('LastGood');
    expect((await two.stats('payments')).policy?.generation).toBe(2);
    expect(one.output.join('') + two.output.join('')).toBe('');
  }, 120_000);

  it('in Python connects by the same files over TLS, and its next process starts with what it kept', async () => {
    const wanted = {
      selector: { matchLabels: { app: 'checkout' } },
      breakers: ['parcels'],
      trip: { consecutiveFailures: 3 },
    };
    await cluster.apply(policy('shop', 'parcels', wanted));
    await created(pod('python'));
    const stored = await kubelet.pod('shop', 'python');
    const launch = await kubelet.launchPython(stored);
    const { PATH: _path, PYTHONPATH: _sources, ...given } = launch.environment;
    expect(given).toEqual({ FUSEBOARD_SERVICE: 'checkout' });
    const url = stored.metadata.annotations!['fuseboard.dev/url'];
    expect(url).toMatch(/^https:/);

    const one = await PythonAgentProcess.start({}, launch);
    agents.push(one);
    expect(one.beganWith).not.toBe('LastGood');
    await eventually(async () => (await one.call('parcels', 'ok')) && (await one.stats('parcels')).generation === 1);
    expect(await one.call('parcels', 'fail', 'fail', 'fail', 'ok')).toEqual(['failed', 'failed', 'failed', 'rejected']);
    await eventually(async () => {
      const { items } = await operator.admin<{ items: object[] }>('/v1/agents?search=python', cluster.token);
      expect(items).toMatchObject([
        {
          ...{ namespace: 'shop', pod: stored.metadata.uid, service: 'checkout', language: 'python', version: '0.1.0' },
          breakers: [{ name: 'parcels', state: 'open', lastError: { name: 'ConnectionError' } }],
        },
      ]);
    });

    const { 'fuseboard-dev-cache': cache } = await kubelet.layOut(stored);
    await eventually(async () => (await readdir(cache!)).length === 1);
    await one.end(true);
    const two = await PythonAgentProcess.start({}, launch);
    agents.push(two);
    expect(two.beganWith).toBe('LastGood');
    expect((await two.stats('parcels')).spec?.trip).toEqual({ consecutiveFailures: 3 });
    expect(one.output + two.output).toBe('');
  }, 120_000);
});

describe('while the webhook does not answer', () => {
  const untouched = async (name: string) => {
    const stored = await created(pod(name));
    expect(stored.spec.volumes).toBeUndefined();
    expect(stored.metadata.annotations).toEqual(ASKS);
  };

  it('a pod is created as it is: the operator hangs', async () => {
    operator.pause();
    try {
      await untouched('hanging');
    } finally {
      operator.resume();
    }
  });

  it('a pod is created as it is: its certificate proves nothing', async () => {
    const [{ clientConfig }] = JSON.parse(
      await cluster.kubectl('get', 'mutatingwebhookconfiguration', WEBHOOK, '-o', 'json'),
    ).webhooks;
    const stranger = await webhook([{ op: 'add', path: '/metadata/annotations/stranger', value: 'was here' }]);
    const path = '/webhooks/0/clientConfig/url';
    const point = (value: string) =>
      cluster.kubectl(
        'patch',
        'mutatingwebhookconfiguration',
        WEBHOOK,
        '--type=json',
        '-p',
        JSON.stringify([{ op: 'replace', path, value }]),
      );
    await point(stranger.url.replace('localhost', '127.0.0.1'));
    try {
      await eventually(() => untouched(`stranger-${Date.now()}`));
    } finally {
      await stranger.close();
      await point(clientConfig.url);
    }
  });

  it('a pod is created as it is: the operator is gone; once it is back, pods are injected again', async () => {
    await operator.end();
    await untouched('alone');
    operator.launch();
    await operator.ready();
    await eventually(async () => (await created(pod(`again-${Date.now()}`))).spec.volumes?.length === 2, 60_000);
  }, 90_000);
});
