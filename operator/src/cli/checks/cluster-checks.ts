import { X509Certificate } from 'node:crypto';
import { GROUP, VERSION } from '@fuseboard/schema';
import { overrideCrd, policyCrd } from '@fuseboard/schema/crd';
import { count } from '../../core/count.ts';
import { type KubeClient, KubeError } from '../../kube/api/client.ts';
import type { KubeObject } from '../../kube/api/object.ts';
import { collectionPath, LEASES, objectPath } from '../../kube/api/resource.ts';
import { SET_LABEL } from '../../kube/replication/replicas.ts';
import { OPERATOR_LABELS } from '../client/target.ts';
import { type Check, failed, listed, ok, unknown, warning } from './check.ts';

/** The oldest Kubernetes that serves all that the definitions use: 1.30. */
const OLDEST_MINOR = 30;

/** A Lease without a renewal for this long has no living holder. */
const LEASE_SILENT_MS = 60_000;

/** A certificate that expires sooner causes a warning. */
const CERTIFICATE_DAYS = 14;
const DAY_MS = 86_400_000;

const APPLY = 'kubectl apply --server-side -f crds/';
const UPGRADE = `run helm upgrade; with crds.enabled=false: ${APPLY}`;

/** The chart has the definitions, and Helm refuses to install over those that kubectl applied. */
const INSTALL = `run helm install, which brings them; only without the chart, or with crds.enabled=false: ${APPLY}`;

interface Definition {
  readonly spec?: {
    readonly versions?: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly schema?: { readonly openAPIV3Schema?: Properties };
    }[];
  };
}

interface Properties {
  readonly properties?: Readonly<Record<string, Properties>>;
}

interface Pod extends KubeObject {
  readonly status?: { readonly conditions?: readonly { type: string; status: string }[] };
}

interface Webhook {
  readonly metadata: { readonly name: string };
  readonly webhooks?: readonly {
    readonly clientConfig: {
      readonly caBundle?: string;
      readonly service?: { readonly namespace: string; readonly name: string };
    };
  }[];
}

interface Lease {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec?: { readonly holderIdentity?: string; readonly renewTime?: string };
}

interface Endpoints {
  readonly subsets?: readonly { readonly addresses?: readonly unknown[] }[];
}

interface Quota extends KubeObject {
  readonly status?: {
    readonly hard?: Readonly<Record<string, string>>;
    readonly used?: Readonly<Record<string, string>>;
  };
}

export interface ClusterScene {
  readonly client: KubeClient;
  /** The namespace to search for operators; absent: all namespaces. */
  readonly operatorNamespace: string | undefined;
  /** The current time, in milliseconds since 1970. */
  readonly now: number;
  /** Whether to check only the requirements of an installation, before it exists. */
  readonly pre: boolean;
}

/**
 * Checks a cluster through its API server. Stops when the API server does not answer, because all other checks need it.
 */
export async function clusterChecks(scene: ClusterScene): Promise<Check[]> {
  const version = await clusterVersion(scene);
  if (version.result === 'failed') return [version];
  const own = scene.pre
    ? [installRights, definitionsBefore]
    : [definitions, rights, operatorPods, leader, webhook, quotas];
  const found = await Promise.all(own.map((look) => look(scene)));
  return [version, ...found.flat()];
}

async function clusterVersion({ client }: ClusterScene): Promise<Check> {
  try {
    const { major, minor, gitVersion } = await client.request<Record<'major' | 'minor' | 'gitVersion', string>>(
      '/version',
      { timeoutMs: 10_000 },
    );
    if (Number(major) === 1 && Number.parseInt(minor, 10) < OLDEST_MINOR) {
      return failed('cluster', `Kubernetes ${gitVersion} is older than 1.${OLDEST_MINOR}`, 'upgrade the cluster');
    }
    return ok('cluster', `Kubernetes ${gitVersion} at ${client.server}`);
  } catch (error) {
    return failed(
      'cluster',
      `the API server at ${client.server} does not answer: ${(error as Error).message}`,
      'check the kubeconfig, or choose another with --kubeconfig or --context',
    );
  }
}

/** Runs a check; a failure to run it becomes an `unknown` result with the reason. */
async function looking(name: string, look: () => Promise<Check | readonly Check[]>): Promise<readonly Check[]> {
  try {
    return [await look()].flat();
  } catch (error) {
    const { status, message } = error instanceof KubeError ? error : { status: undefined, message: String(error) };
    const advice =
      status === 403 ? 'ask somebody who may read it, or for the right' : 'try again; kubectl says more with -v=6';
    return [unknown(name, `not known: ${message}`, advice)];
  }
}

const crdPath = (name: string) => `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;

const definitions = (scene: ClusterScene) =>
  looking('definitions', async () => {
    const { client } = scene;
    // A release restores what is missing of it with its next upgrade.
    const restore = async () => ((await podsOf(scene).catch(() => [])).length > 0 ? UPGRADE : INSTALL);
    const checks: Check[] = [];
    for (const crd of [policyCrd(), overrideCrd()]) {
      const { name } = crd.metadata as { name: string };
      const stored = await client.request<Definition>(crdPath(name)).catch((error: unknown) => {
        if (error instanceof KubeError && error.status === 404) return undefined;
        throw error;
      });
      if (stored === undefined) checks.push(failed('definitions', `${name} is not installed`, await restore()));
      else checks.push(definition(name, stored, crd as Definition));
    }
    return checks;
  });

function definition(name: string, stored: Definition, wanted: Definition): Check {
  const served = stored.spec?.versions?.find((one) => one.name === VERSION && one.served);
  if (served === undefined) {
    return failed('definitions', `${name} does not serve ${VERSION}`, UPGRADE);
  }
  const [has, needs] = [served, wanted.spec!.versions![0]!].map((one) => paths(one.schema?.openAPIV3Schema));
  const missing = [...needs!].filter((path) => !has!.has(path));
  if (missing.length > 0) {
    return failed('definitions', `${name} is older than this command line: it lacks ${listed(missing)}`, UPGRADE);
  }
  const extra = [...has!].filter((path) => !needs!.has(path));
  if (extra.length > 0) {
    return warning(
      'definitions',
      `${name} is newer than this command line: it has ${listed(extra)}`,
      'use the command line of the release that is installed',
    );
  }
  return ok('definitions', `${name} is of this release`);
}

/** The field paths of a schema, such as `spec.trip.failureRate`. */
function paths(schema: Properties | undefined, prefix = ''): Set<string> {
  const found = new Set<string>();
  for (const [name, below] of Object.entries(schema?.properties ?? {})) {
    found.add(`${prefix}${name}`);
    for (const path of paths(below, `${prefix}${name}.`)) found.add(path);
  }
  return found;
}

async function allowed(
  client: KubeClient,
  { verb, group, resource, namespaced = false }: Right,
  namespace: string | undefined,
): Promise<boolean> {
  const [plural, subresource] = resource.split('/');
  const where = namespaced && namespace !== undefined && { namespace };
  const answer = await client.request<{ status?: { allowed?: boolean } }>(
    '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    {
      method: 'POST',
      body: {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectAccessReview',
        spec: { resourceAttributes: { verb, group, resource: plural, ...(subresource && { subresource }), ...where } },
      },
    },
  );
  return answer.status?.allowed === true;
}

interface Right {
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  /** What it is for. */
  readonly what: string;
  /** Whether it is enough to have it in the namespace of the operator. */
  readonly namespaced?: boolean;
}

/** Permissions of the current user, each with its purpose. */
const RIGHTS: readonly Right[] = [
  { verb: 'list', group: GROUP, resource: 'circuitbreakerpolicies', what: 'see policies' },
  { verb: 'create', group: '', resource: 'pods/portforward', what: 'reach the operator', namespaced: true },
  { verb: 'create', group: GROUP, resource: 'circuitbreakeroverrides', what: 'force breakers open or closed' },
];

const INSTALL_RIGHTS: readonly Right[] = [
  {
    verb: 'create',
    group: 'apiextensions.k8s.io',
    resource: 'customresourcedefinitions',
    what: 'install the definitions',
  },
  {
    verb: 'create',
    group: 'rbac.authorization.k8s.io',
    resource: 'clusterroles',
    what: 'grant the operator its rights',
  },
  {
    verb: 'create',
    group: 'rbac.authorization.k8s.io',
    resource: 'clusterrolebindings',
    what: 'grant the operator its rights',
  },
  {
    verb: 'create',
    group: 'rbac.authorization.k8s.io',
    resource: 'roles',
    what: 'grant the operator its rights',
    namespaced: true,
  },
  {
    verb: 'create',
    group: 'rbac.authorization.k8s.io',
    resource: 'rolebindings',
    what: 'grant the operator its rights',
    namespaced: true,
  },
  { verb: 'create', group: '', resource: 'serviceaccounts', what: 'run the operator', namespaced: true },
  { verb: 'create', group: '', resource: 'secrets', what: 'keep its certificate', namespaced: true },
  { verb: 'create', group: '', resource: 'services', what: 'reach the operator', namespaced: true },
  { verb: 'create', group: 'apps', resource: 'deployments', what: 'run the operator', namespaced: true },
  {
    verb: 'create',
    group: 'admissionregistration.k8s.io',
    resource: 'mutatingwebhookconfigurations',
    what: 'inject agents into pods',
  },
  {
    verb: 'create',
    group: 'admissionregistration.k8s.io',
    resource: 'validatingadmissionpolicies',
    what: 'protect the history of policies',
  },
  {
    verb: 'create',
    group: 'admissionregistration.k8s.io',
    resource: 'validatingadmissionpolicybindings',
    what: 'protect the history of policies',
  },
];

const rights = (scene: ClusterScene) =>
  granted(scene, RIGHTS, (message) =>
    warning('rights', message, 'ask an administrator of the cluster for these permissions'),
  );

/** Without these, an installation fails. */
const installRights = (scene: ClusterScene) =>
  granted(scene, INSTALL_RIGHTS, (message) =>
    failed(
      'rights',
      message,
      scene.operatorNamespace === undefined
        ? 'let somebody with cluster-admin install; with permissions in one namespace only, name it with --operator-namespace'
        : 'let somebody with cluster-admin install, or ask for the permissions',
    ),
  );

function granted(
  { client, operatorNamespace }: ClusterScene,
  wanted: readonly Right[],
  lack: (message: string) => Check,
) {
  return looking('rights', async () => {
    const lacking: Right[] = [];
    for (const right of wanted) if (!(await allowed(client, right, operatorNamespace))) lacking.push(right);
    if (lacking.length === 0) return ok('rights', 'the user of the kubeconfig has what is needed');
    const isIn = operatorNamespace !== undefined && lacking.every(({ namespaced }) => namespaced);
    const where = isIn ? `namespace "${operatorNamespace}"` : 'all namespaces';
    const named = listed(lacking.map(({ verb, resource, what }) => `${verb} ${resource} (to ${what})`));
    return lack(`the user of the kubeconfig may not ${named} in ${where}`);
  });
}

const definitionsBefore = ({ client }: ClusterScene) =>
  looking('definitions', async () => {
    const { items } = await client.request<{ items: { metadata: { name: string } }[] }>(
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      { query: { limit: '500' } },
    );
    const there = items.map(({ metadata }) => metadata.name).filter((name) => name.endsWith(`.${GROUP}`));
    if (there.length === 0) return ok('definitions', 'none is installed yet');
    return warning(
      'definitions',
      `${listed(there)} are there from another installation`,
      'let the release have them with helm install --take-ownership, or keep them with --set crds.enabled=false',
    );
  });

const podsOf = async ({ client, operatorNamespace }: ClusterScene): Promise<readonly Pod[]> => {
  const path = collectionPath({ group: '', version: 'v1', plural: 'pods' }, operatorNamespace);
  return (await client.request<{ items: Pod[] }>(path, { query: { labelSelector: OPERATOR_LABELS } })).items;
};

const isReady = ({ status }: Pod) =>
  status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;

const operatorPods = (scene: ClusterScene) =>
  looking('operator', async () => {
    const pods = await podsOf(scene);
    const unready = pods.filter((pod) => !isReady(pod));
    const names = listed(unready.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
    if (pods.length === 0) {
      const where = scene.operatorNamespace === undefined ? '' : ` in namespace "${scene.operatorNamespace}"`;
      return failed(
        'operator',
        `no pod of an operator is there${where}`,
        'install the chart: helm install fuseboard …; or give --server URL, where it runs elsewhere',
      );
    }
    if (unready.length === pods.length) {
      return failed('operator', `no pod of the operator is ready: ${names}`, `kubectl describe pod and kubectl logs`);
    }
    if (unready.length > 0) {
      return warning(
        'operator',
        `${unready.length} of ${pods.length} pods are not ready: ${names}`,
        'kubectl describe pod',
      );
    }
    return ok('operator', count(pods.length, 'pod is ready', 'pods are ready'));
  });

const leader = (scene: ClusterScene) =>
  looking('leader', async () => {
    const namespace = (await podsOf(scene))[0]?.metadata.namespace;
    if (namespace === undefined) return [];
    const path = collectionPath(LEASES, namespace);
    const { items } = await scene.client.request<{ items: Lease[] }>(path);
    // The label on each replica's Lease is the name of the leader's Lease.
    const names = new Set(items.map(({ metadata }) => metadata.labels?.[SET_LABEL]));
    const lease = items.find(({ metadata }) => names.has(metadata.name));
    if (lease === undefined) {
      return failed(
        'leader',
        `namespace "${namespace}" has no Lease of a leader`,
        'statuses are not written; see whether the operator may write Leases, and its logs',
      );
    }
    const silentMs = scene.now - Date.parse(lease.spec?.renewTime ?? '');
    if ((lease.spec?.holderIdentity ?? '') === '' || !(silentMs <= LEASE_SILENT_MS)) {
      return failed(
        'leader',
        `nobody leads: the Lease "${lease.metadata.name}" was ${silentMs >= 0 ? `renewed ${Math.round(silentMs / 1_000)} s ago` : 'never renewed'}`,
        'statuses are not written; see whether the operator may write Leases, and its logs',
      );
    }
    return ok('leader', `${lease.spec!.holderIdentity!.split('_')[0]} leads`);
  });

const webhook = ({ client, now }: ClusterScene) =>
  looking('webhook', async () => {
    const path = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';
    const { items } = await client.request<{ items: Webhook[] }>(path, { query: { labelSelector: OPERATOR_LABELS } });
    const [found] = items;
    if (found === undefined) return ok('webhook', 'pods are not injected: webhook.enabled is false');
    const { caBundle, service } = found.webhooks?.[0]?.clientConfig ?? {};
    if (caBundle === undefined || caBundle === '') {
      return failed(
        'webhook',
        `the webhook "${found.metadata.name}" trusts no authority: no pod is injected`,
        'with tls.mode CertManager: is the cainjector running? Else: helm upgrade',
      );
    }
    const authority = certificate('webhook', 'the authority of the webhook', Buffer.from(caBundle, 'base64'), now);
    if (service === undefined) return authority;
    const endpoints = await client
      .request<Endpoints>(
        objectPath({ group: '', version: 'v1', plural: 'endpoints' }, service.namespace, service.name),
      )
      .catch((error: unknown) => {
        if (error instanceof KubeError && error.status === 404) return {} as Endpoints;
        throw error;
      });
    if (!(endpoints.subsets ?? []).some(({ addresses = [] }) => addresses.length > 0)) {
      return failed(
        'webhook',
        `Service "${service.namespace}/${service.name}" of the webhook has no ready pod: no pod is injected`,
        'see why the operator is not ready',
      );
    }
    return authority;
  });

function certificate(name: string, what: string, pem: Buffer, now: number): Check {
  const ends = new X509Certificate(pem).validToDate.getTime();
  const days = Math.floor((ends - now) / DAY_MS);
  const on = new Date(ends).toISOString().slice(0, 10);
  const advice = 'renew it: helm upgrade, or see why cert-manager does not';
  if (days < 0) return failed(name, `${what} ended on ${on}`, advice);
  if (days < CERTIFICATE_DAYS) return warning(name, `${what} ends in ${days} days, on ${on}`, advice);
  return ok(name, `${what} is valid until ${on}, ${days} days`);
}

const NEAR = 0.9;

const quotas = (scene: ClusterScene) =>
  looking('quota', async () => {
    const namespace = (await podsOf(scene))[0]?.metadata.namespace;
    if (namespace === undefined) return [];
    const path = collectionPath({ group: '', version: 'v1', plural: 'resourcequotas' }, namespace);
    const { items } = await scene.client.request<{ items: Quota[] }>(path);
    const near = items.flatMap(({ metadata, status }) =>
      Object.entries(status?.hard ?? {}).flatMap(([resource, hard]) => {
        const used = status?.used?.[resource] ?? '0';
        return amount(hard) > 0 && amount(used) >= NEAR * amount(hard)
          ? [`${resource} of ${metadata.name} (${used} of ${hard})`]
          : [];
      }),
    );
    if (near.length === 0) return ok('quota', `none in namespace "${namespace}" is near its end`);
    return warning(
      'quota',
      `namespace "${namespace}" is near the end of ${listed(near)}`,
      'a new replica of the operator may not start; raise the quota',
    );
  });

const SUFFIXES: Readonly<Record<string, number>> = {
  ...{ m: 1e-3, '': 1, k: 1e3, M: 1e6, G: 1e9, T: 1e12, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 },
};

/** Parses a Kubernetes quantity; NaN when it is invalid. */
function amount(quantity: string): number {
  const [, digits, suffix] = /^([0-9.]+)([A-Za-z]*)$/.exec(quantity) ?? [];
  return Number(digits) * (SUFFIXES[suffix ?? ''] ?? Number.NaN);
}
