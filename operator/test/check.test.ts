import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import { overrideCrd, policyCrd } from '@fuseboard/schema/crd';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { KubeConfig } from '@kubernetes/client-node';
import { AdminClient } from '../src/cli/client/admin.ts';
import type { StoredPolicy, Target } from '../src/cli/client/target.ts';
import { checkCommand } from '../src/cli/commands/check.ts';
import { KubeClient } from '../src/kube/api/client.ts';

const DAY_MS = 86_400_000;
const AUTHORITY = readFileSync(new URL('./tls/one.crt', import.meta.url));
const ENDS = new X509Certificate(AUTHORITY).validToDate.getTime();
const ENDS_ON = new Date(ENDS).toISOString().slice(0, 10);

/** How long before the end of the certificate everything is. */
let now = ENDS - 300 * DAY_MS;
const API = '/apis';
const CRDS = `${API}/apiextensions.k8s.io/v1/customresourcedefinitions`;
const PODS = '/api/v1/pods';
const LEASES = `${API}/coordination.k8s.io/v1/namespaces/fuseboard-system/leases`;
const HOOKS = `${API}/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations`;
const ENDPOINTS = '/api/v1/namespaces/fuseboard-system/endpoints/fuseboard-webhook';
const REVIEWS = `${API}/authorization.k8s.io/v1/selfsubjectaccessreviews`;
const QUOTAS = '/api/v1/namespaces/fuseboard-system/resourcequotas';

const policiesCrd = policyCrd() as { metadata: { name: string } };
const overridesCrd = overrideCrd() as { metadata: { name: string } };

let server: Server;
let url: string;
/** What the API server and the operator answer by path: an object, or a status. */
let answers: Record<string, unknown>;
let policies: StoredPolicy[];

const pod = (name: string, ready: boolean) => ({
  metadata: { name, namespace: 'fuseboard-system' },
  status: { conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }] },
});

const lease = (name: string, labels: object, renewedMs: number) => ({
  metadata: { name, namespace: 'fuseboard-system', labels },
  spec: { holderIdentity: 'fuseboard-1_abc', renewTime: new Date(now - renewedMs).toISOString() },
});

const hook = (caBundle: string | undefined) => ({
  metadata: { name: 'fuseboard' },
  webhooks: [{ clientConfig: { service: { namespace: 'fuseboard-system', name: 'fuseboard-webhook' }, caBundle } }],
});

const stored = (name: string, accepted: string, matched: number) =>
  ({
    ...{ namespace: 'shop', name },
    status: { conditions: [{ type: 'Accepted', status: accepted }], agents: { matched } },
  }) as unknown as StoredPolicy;

const overview = (over: object = {}) => ({
  ...{ at: now, replica: 'fuseboard-1', others: ['fuseboard-2'], rows: 3 },
  source: { kind: 'kubernetes', synced: true, problems: 0 },
  agents: { connected: 5, connecting: 0, stale: 0, gone: 0, rejecting: 0 },
  outages: { lasting: 0, over: 0 },
  ...over,
});

const breaker = (name: string, uid?: string) => ({ namespace: 'shop', breaker: name, uid, state: 'closed' });

/** A cluster in which all is well. */
function well(): void {
  now = ENDS - 300 * DAY_MS;
  policies = [stored('payments', 'True', 5)];
  answers = {
    '/version': { major: '1', minor: '33', gitVersion: 'v1.33.1' },
    [`${CRDS}/${policiesCrd.metadata.name}`]: policiesCrd,
    [`${CRDS}/${overridesCrd.metadata.name}`]: overridesCrd,
    [CRDS]: { items: [policiesCrd, overridesCrd] },
    [PODS]: { items: [pod('fuseboard-1', true), pod('fuseboard-2', true)] },
    [LEASES]: {
      items: [
        lease('fuseboard', {}, 3_000),
        lease('fuseboard-replica-1', { 'fuseboard.dev/replicas': 'fuseboard' }, 0),
      ],
    },
    [HOOKS]: { items: [hook(AUTHORITY.toString('base64'))] },
    [ENDPOINTS]: { subsets: [{ addresses: [{ ip: '10.0.0.1' }] }] },
    [REVIEWS]: { status: { allowed: true } },
    [QUOTAS]: { items: [] },
    '/v1/overview': overview(),
    '/v1/breakers': { items: [breaker('payments', 'u')] },
  };
}

beforeAll(async () => {
  server = createServer((request, response) => {
    const found = answers[new URL(request.url!, 'http://x').pathname] ?? 404;
    const status = typeof found === 'number' ? found : 200;
    request.resume();
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(status === 200 ? found : { kind: 'Status', message: `told ${status}` }));
  });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(() => {
  server.close();
});

async function check(...args: string[]) {
  const out = new PassThrough({ encoding: 'utf8' });
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'ann', token: 't' });
  const target = {
    policies: async () => policies,
    operator: async () => new AdminClient({ url, name: 'the operator' }),
    close: async () => {},
  } as unknown as Target;
  let code = -1;
  const command = checkCommand(
    { args, out: out as never, err: out as never },
    { reach: () => target, connect: () => new KubeClient(config), wallClock: () => now },
    (set) => {
      code = set;
    },
  );
  await command.exitOverride().parseAsync(args, { from: 'user' });
  return { code, text: (out.read() as string).replaceAll(url, 'URL') };
}

describe('fuseboard check', () => {
  it('says that all is well', async () => {
    well();
    expect(await check()).toEqual({
      code: 0,
      text: `√ cluster      Kubernetes v1.33.1 at URL
√ definitions  circuitbreakerpolicies.fuseboard.dev is of this release
√ definitions  circuitbreakeroverrides.fuseboard.dev is of this release
√ rights       the user of the kubeconfig has what is needed
√ operator     2 pods are ready
√ leader       fuseboard-1 leads
√ webhook      the authority of the webhook is valid until ${ENDS_ON}, 300 days
√ quota        none in namespace "fuseboard-system" is near its end
√ policies     1 is in use
√ source       policies are read from the API server
√ replicas     fuseboard-1 knows fuseboard-2
√ clock        the clock of the operator agrees with this one
√ agents       5 are connected, none is stale or rejects a policy
√ breakers     1 is governed by policies
√ room         3 breakers of at most 20000
√ outages      nothing is refused
16 checks: 0 failures, 0 warnings
`,
    });
  });

  const older = () => {
    const copy = structuredClone(policyCrd()) as never as {
      spec: {
        versions: { schema: { openAPIV3Schema: { properties: { spec: { properties: Record<string, unknown> } } } } }[];
      };
    };
    delete copy.spec.versions[0]!.schema.openAPIV3Schema.properties.spec.properties.fallback;
    return copy;
  };

  it.each<[what: string, breakIt: () => void, code: number, lines: string]>([
    [
      'an API server that is too old',
      () => (answers['/version'] = { major: '1', minor: '24+', gitVersion: 'v1.24.3' }),
      1,
      '× cluster      Kubernetes v1.24.3 is older than 1.30\n               → upgrade the cluster',
    ],
    [
      'no definitions',
      () => (answers[`${CRDS}/${policiesCrd.metadata.name}`] = 404),
      1,
      '× definitions  circuitbreakerpolicies.fuseboard.dev is not installed\n               → run helm upgrade; with crds.enabled=false: kubectl apply --server-side -f crds/',
    ],
    [
      'neither definitions nor an operator, which the chart brings together',
      () => {
        answers[`${CRDS}/${policiesCrd.metadata.name}`] = 404;
        answers[PODS] = { items: [] };
      },
      1,
      '× definitions  circuitbreakerpolicies.fuseboard.dev is not installed\n               → run helm install, which brings them; only without the chart, or with crds.enabled=false: kubectl apply --server-side -f crds/',
    ],
    [
      'definitions of an older release',
      () => (answers[`${CRDS}/${policiesCrd.metadata.name}`] = older()),
      1,
      '× definitions  circuitbreakerpolicies.fuseboard.dev is older than this command line: it lacks spec.fallback, spec.fallback.',
    ],
    [
      'a user without rights',
      () => (answers[REVIEWS] = { status: { allowed: false } }),
      0,
      '‼ rights       the user of the kubeconfig may not list circuitbreakerpolicies (to see policies), create pods/portforward (to reach the operator), create circuitbreakeroverrides (to force breakers open or closed) in all namespaces',
    ],
    [
      'an operator that does not become ready',
      () => (answers[PODS] = { items: [pod('fuseboard-1', false)] }),
      1,
      '× operator     no pod of the operator is ready: fuseboard-system/fuseboard-1\n               → kubectl describe pod and kubectl logs',
    ],
    [
      'nobody who leads',
      () =>
        (answers[LEASES] = {
          items: [
            lease('fuseboard', {}, 400_000),
            lease('fuseboard-replica-1', { 'fuseboard.dev/replicas': 'fuseboard' }, 0),
          ],
        }),
      1,
      '× leader       nobody leads: the Lease "fuseboard" was renewed 400 s ago\n               → statuses are not written; see whether the operator may write Leases, and its logs',
    ],
    [
      'a certificate that ends soon',
      () => {
        now = ENDS - 3 * DAY_MS;
        answers[LEASES] = { items: [lease('fuseboard', { 'fuseboard.dev/replicas': 'fuseboard' }, 0)] };
        answers['/v1/overview'] = overview();
      },
      0,
      `‼ webhook      the authority of the webhook ends in 3 days, on ${ENDS_ON}\n               → renew it: helm upgrade, or see why cert-manager does not`,
    ],
    [
      'a webhook that nobody answers for',
      () => (answers[ENDPOINTS] = { subsets: [] }),
      1,
      '× webhook      Service "fuseboard-system/fuseboard-webhook" of the webhook has no ready pod: no pod is injected\n               → see why the operator is not ready',
    ],
    [
      'a quota near its end',
      () =>
        (answers[QUOTAS] = {
          items: [
            {
              metadata: { name: 'small' },
              status: { hard: { 'limits.memory': '1Gi', pods: '50' }, used: { 'limits.memory': '960Mi', pods: '3' } },
            },
          ],
        }),
      0,
      '‼ quota        namespace "fuseboard-system" is near the end of limits.memory of small (960Mi of 1Gi)\n               → a new replica of the operator may not start; raise the quota',
    ],
    [
      'agents that cannot use a policy',
      () =>
        (answers['/v1/overview'] = overview({
          agents: { connected: 26, connecting: 0, stale: 1, gone: 0, rejecting: 2 },
        })),
      1,
      '× agents       2 of 26 cannot use a policy that is for them\n               → fuseboard get policies shows which; update the library in these services',
    ],
    [
      'policies that nobody uses, and breakers that nobody governs',
      () => {
        policies = [stored('payments', 'True', 5), stored('old', 'True', 0)];
        answers['/v1/breakers'] = { items: [breaker('payments', 'u'), breaker('paymnts')] };
      },
      0,
      '‼ policies     no agent is selected by shop/old\n               → compare spec.selector with the labels of agents, or remove them',
    ],
    [
      'clocks that are apart',
      () => (answers['/v1/overview'] = overview({ at: now - 90_000 })),
      0,
      '‼ clock        the clock of the operator is 90 s behind this one\n               → overrides end by it; synchronize both with NTP',
    ],
    [
      'an API server that does not tell everything to everybody',
      () => (answers[HOOKS] = 403),
      0,
      '? webhook      not known: told 403\n               → ask somebody who may read it, or for the right',
    ],
  ])('finds %s', async (_, breakIt, code, lines) => {
    well();
    breakIt();
    const found = await check();
    expect(found.text).toContain(lines);
    expect(found.code).toBe(code);
  });

  it('stops where nothing more can be known', async () => {
    well();
    answers['/version'] = 503;
    expect((await check()).text).toBe(`× cluster      the API server at URL does not answer: told 503
               → check the kubeconfig, or choose another with --kubeconfig or --context
1 checks: 1 failure, 0 warnings
`);
  });

  it('looks before an installation at what it needs, as JSON too', async () => {
    well();
    answers[CRDS] = { items: [] };
    expect((await check('--pre')).text).toBe(`√ cluster      Kubernetes v1.33.1 at URL
√ rights       the user of the kubeconfig has what is needed
√ definitions  none is installed yet
3 checks: 0 failures, 0 warnings
`);
    answers[REVIEWS] = { status: { allowed: false } };
    const { code, text } = await check('--pre', '-o', 'json');
    expect(JSON.parse(text).items[1]).toMatchObject({ name: 'rights', result: 'failed' });
    expect(code).toBe(1);
  });
});
