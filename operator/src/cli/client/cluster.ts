import type { RequestOptions } from 'node:https';
import { GROUP, OVERRIDE_KIND, type OverrideSpec, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import { DEFAULT_NAMESPACE } from '../../core/policy/namespace.ts';
import { KubeClient, KubeError } from '../../kube/api/client.ts';
import { applyCredentials } from '../../kube/api/credentials.ts';
import { listAll } from '../../kube/api/list.ts';
import { type KubeObject, readObject, toOverride, toPolicy } from '../../kube/api/object.ts';
import { collectionPath, type KubeResource, OVERRIDES, objectPath, POLICIES } from '../../kube/api/resource.ts';
import { KubernetesHistory } from '../../kube/write/history.ts';
import { overrideName } from '../../kube/write/overrides.ts';
import { kubernetesPolicyEditor } from '../../kube/write/policy-editor.ts';
import type { Revision } from '../../ports/history.ts';
import { Problem } from '../../ports/problem.ts';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import { AdminClient, type Replica } from './admin.ts';
import { type Forwarded, forwardPort } from './port-forward.ts';
import { OPERATOR_LABELS, type StoredOverride, type StoredPolicy, type Target } from './target.ts';

/** The admin port of an operator pod without a named port. */
const ADMIN_PORT = 8081;

/** A logger for read-only access, which has nothing to log. */
const SILENT = { info() {}, warn() {} };

interface Pod extends KubeObject {
  readonly spec?: {
    readonly serviceAccountName?: string;
    readonly containers?: readonly { readonly ports?: readonly { name?: string; containerPort: number }[] }[];
  };
  readonly status?: { readonly phase?: string; readonly conditions?: readonly { type: string; status: string }[] };
}

/** Lifetime of a token for a reader without one of its own, in seconds. The API server grants at least 10 min. */
const READER_TOKEN_S = 600;

/** How long a list of the operator's pods is cached, in milliseconds. */
const PODS_GOOD_MS = 5_000;

/** A cluster, accessed with the permissions of the kubeconfig's user. */
export class ClusterTarget implements Target {
  readonly name: string;
  readonly namespace: string;
  readonly #config: KubeConfig;
  readonly #client: KubeClient;
  readonly #operatorNamespace: string | undefined;
  readonly unlistedReason = 'it has no pod; if it crashed, the others forget it within 30 s';
  /** Forwarded ports by uid of the pod. */
  readonly #forwarded = new Map<string, Promise<Forwarded>>();
  /** For a user without a token; kept, so that a token lasts longer than a list of the pods. */
  #readerToken: (() => Promise<string>) | undefined;
  #listed: { readonly at: number; readonly replicas: Promise<readonly Replica[]> } | undefined;

  constructor(config: KubeConfig, operatorNamespace?: string) {
    this.#config = config;
    this.#client = new KubeClient(config);
    this.#operatorNamespace = operatorNamespace;
    this.name = `cluster "${config.getCurrentCluster()!.name}"`;
    this.namespace = config.getContextObject(config.getCurrentContext())?.namespace || DEFAULT_NAMESPACE;
  }

  async policies(namespace: string | undefined): Promise<StoredPolicy[]> {
    return (await this.#list(POLICIES, namespace)).map(toStoredPolicy);
  }

  async policy(namespace: string, name: string): Promise<StoredPolicy | undefined> {
    try {
      return toStoredPolicy(readObject(await this.#client.request(objectPath(POLICIES, namespace, name))));
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return undefined;
      throw this.#toCliError(error);
    }
  }

  async history(policy: StoredPolicy): Promise<Revision[]> {
    const revisions = new KubernetesHistory({ kubeConfig: this.#config, leading: () => false, log: SILENT });
    return this.#ask(revisions.list(policy));
  }

  async rollback(policy: StoredPolicy, { spec }: Revision): Promise<void> {
    try {
      await kubernetesPolicyEditor(this.#config).replaceSpec(policy, spec, 'rollback', undefined);
    } catch (error) {
      if (error instanceof Problem) throw new CliError(EXIT_CODES.unreachable, `${this.name}: ${error.message}`);
      throw error;
    }
  }

  async overrides(namespace: string | undefined): Promise<StoredOverride[]> {
    return (await this.#list(OVERRIDES, namespace)).map(toStoredOverride);
  }

  async override(namespace: string, spec: OverrideSpec): Promise<StoredOverride> {
    const metadata = { name: overrideName(spec.breakers[0]!), namespace };
    const body = { apiVersion: `${GROUP}/${VERSION}`, kind: OVERRIDE_KIND, metadata, spec };
    const query = { fieldManager: 'fuseboard' };
    const path = collectionPath(OVERRIDES, namespace);
    return toStoredOverride(readObject(await this.#ask(this.#client.request(path, { method: 'POST', query, body }))));
  }

  async endOverride(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#client.request(objectPath(OVERRIDES, namespace, name), { method: 'DELETE' });
      return true;
    } catch (error) {
      if (error instanceof KubeError && error.status === 404) return false;
      throw this.#toCliError(error);
    }
  }

  async operator(): Promise<AdminClient> {
    const clients = (await this.replicas()).flatMap(({ admin }) => (typeof admin === 'string' ? [] : [admin]));
    if (clients[0] !== undefined) return clients[0];
    throw new CliError(EXIT_CODES.unreachable, this.#noOperator('is ready'));
  }

  async replicas(): Promise<readonly Replica[]> {
    const now = performance.now();
    if (this.#listed === undefined || now - this.#listed.at > PODS_GOOD_MS) {
      this.#listed = { at: now, replicas: this.#findReplicas() };
      this.#listed.replicas.catch(() => {
        this.#listed = undefined;
      });
    }
    return this.#listed.replicas;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#forwarded.keys()].map((uid) => this.#unforward(uid)));
  }

  async #findReplicas(): Promise<readonly Replica[]> {
    const ownToken = await userToken(this.#config);
    const path = collectionPath({ group: '', version: 'v1', plural: 'pods' }, this.#operatorNamespace);
    const { items } = await this.#ask(
      this.#client.request<{ items: Pod[] }>(path, { query: { labelSelector: OPERATOR_LABELS } }),
    );
    const pods = items.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
    if (pods.length === 0) throw new CliError(EXIT_CODES.unreachable, this.#noOperator('is installed'));
    const there = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const uid of this.#forwarded.keys()) if (!there.has(uid)) void this.#unforward(uid);
    // Before any connection is opened, because every request needs a token.
    const token =
      typeof ownToken === 'string' ? () => requiredToken(this.#config) : await this.#readerOf(pods[0]!, ownToken);
    return Promise.all(pods.map(async (pod) => ({ name: pod.metadata.name, admin: await this.#adminOf(pod, token) })));
  }

  /**
   * Returns tokens of the ServiceAccount that the chart creates for readers without a token of their own. Its name is
   * that of the operator's ServiceAccount with `-reader` appended.
   */
  async #readerOf({ metadata: { namespace }, spec }: Pod, { why }: NoToken): Promise<() => Promise<string>> {
    if (this.#readerToken !== undefined) return this.#readerToken;
    const account = `${spec?.serviceAccountName ?? 'default'}-reader`;
    const accounts = { group: '', version: 'v1', plural: 'serviceaccounts' };
    const path = `${objectPath(accounts, namespace!, account)}/token`;
    let known: { readonly token: string; readonly until: number } | undefined;
    const token = async () => {
      if (known !== undefined && performance.now() < known.until) return known.token;
      const body = { spec: { expirationSeconds: READER_TOKEN_S } };
      const answer = await this.#client.request<{ status: { token: string } }>(path, { method: 'POST', body });
      known = { token: answer.status.token, until: performance.now() + (READER_TOKEN_S / 2) * 1_000 };
      return known.token;
    };
    await token().catch((error: unknown) => {
      if (!(error instanceof KubeError)) throw error;
      const fix =
        error.status === 404
          ? `there is no ServiceAccount "${account}" in namespace "${namespace}" to read with: set reader.create in the chart`
          : `no token of the ServiceAccount "${account}" in namespace "${namespace}" was given: ${error.message}`;
      throw new CliError(EXIT_CODES.usage, `${why}, and ${fix}; or use a context whose user has a token`);
    });
    this.#readerToken = token;
    return token;
  }

  async #adminOf(
    { metadata: { namespace, name: pod, uid }, spec, status }: Pod,
    token: () => Promise<string>,
  ): Promise<AdminClient | string> {
    const ready = status?.conditions?.some((one) => one.type === 'Ready' && one.status === 'True');
    if (!ready) return `its pod in namespace "${namespace}" is not ready`;
    const ports = spec?.containers?.flatMap(({ ports = [] }) => ports) ?? [];
    const port = ports.find(({ name }) => name === 'admin')?.containerPort ?? ADMIN_PORT;
    const known = this.#forwarded.get(uid);
    const forwarding = known ?? forwardPort({ kubeConfig: this.#config, namespace, pod, port });
    this.#forwarded.set(uid, forwarding);
    const { url } = await forwarding;
    const name = `the operator of ${this.name} in pod "${pod}"`;
    return new AdminClient({ url, name, token });
  }

  async #unforward(uid: string): Promise<void> {
    const forwarding = this.#forwarded.get(uid);
    this.#forwarded.delete(uid);
    await forwarding?.then(
      (forwarded) => forwarded.close(),
      () => {},
    );
  }

  #noOperator(what: string): string {
    const where = this.#operatorNamespace === undefined ? 'any namespace' : `namespace "${this.#operatorNamespace}"`;
    return `no operator ${what} in ${where} of ${this.name}; name one with --operator-namespace or --server`;
  }

  #list(resource: KubeResource, namespace: string | undefined): Promise<KubeObject[]> {
    return this.#ask(listAll(this.#client, collectionPath(resource, namespace)));
  }

  async #ask<T>(answer: Promise<T>): Promise<T> {
    return answer.catch((error: unknown) => {
      throw this.#toCliError(error);
    });
  }

  /** Converts an error to a one-line message for the user. */
  #toCliError(error: unknown): Error {
    if (!(error instanceof KubeError)) return error as Error;
    const { status, message } = error;
    if (status === 404) {
      const hint = 'is Fuseboard installed there? fuseboard check says what is missing';
      return new CliError(EXIT_CODES.unreachable, `${this.name} does not serve the requested path (404); ${hint}`);
    }
    if (status === 401)
      return new CliError(EXIT_CODES.unreachable, `${this.name} does not accept the kubeconfig's user: ${message}`);
    if (status === undefined) return new CliError(EXIT_CODES.unreachable, `cannot reach ${this.name}: ${message}`);
    return new CliError(EXIT_CODES.unreachable, `${this.name} refused: ${message}`);
  }
}

function toStoredPolicy(object: KubeObject): StoredPolicy {
  const policy = toPolicy(object);
  return { ...policy, status: policy.status ?? {} };
}

function toStoredOverride(object: KubeObject): StoredOverride {
  const { namespace, name, createdAt, expiresAt, createdBy, spec, status = {} } = toOverride(object);
  return { namespace, name, createdAt, expiresAt, ...(createdBy !== undefined && { createdBy }), spec, status };
}

/** Why a user has no token that could be forwarded to the operator. */
interface NoToken {
  readonly why: string;
}

/**
 * The bearer token of the kubeconfig's user; its credential plugin, if any, runs first. A user with a client
 * certificate or a password has none, nor has one that acts as another: neither can be forwarded to the operator.
 *
 * @throws {CliError} when the credential plugin fails.
 */
async function userToken(config: KubeConfig): Promise<string | NoToken> {
  const { name: user = '', impersonateUser } = config.getCurrentUser() ?? {};
  if (impersonateUser) {
    const why = `user "${user}" of the kubeconfig acts as "${impersonateUser}", which cannot be forwarded to the operator`;
    return { why };
  }
  const request: RequestOptions = {};
  await applyCredentials(config, request).catch((error: Error) => {
    throw new CliError(EXIT_CODES.unreachable, error.message);
  });
  const headers = (request.headers as Record<string, string> | undefined) ?? {};
  const token = /^Bearer (.+)$/.exec(String(headers.Authorization ?? headers.authorization ?? ''))?.[1];
  const why = `user "${user}" of the kubeconfig has no token, and a client certificate cannot be forwarded to the operator`;
  return token ?? { why };
}

/**
 * The bearer token of the kubeconfig's user.
 *
 * @throws {CliError} when the user has none.
 */
export async function requiredToken(config: KubeConfig): Promise<string> {
  const token = await userToken(config);
  if (typeof token === 'string') return token;
  const fix = "use a context whose user has a token, such as a ServiceAccount's: kubectl create token NAME";
  throw new CliError(EXIT_CODES.usage, `${token.why}; ${fix}`);
}
