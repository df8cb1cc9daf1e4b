import type { OverrideSpec } from '@fuseboard/schema';
import { DEFAULT_NAMESPACE } from '../../core/policy/namespace.ts';
import type { HistoryAnswer } from '../../http/admin/answers/history.ts';
import type { OverrideList, ShownOverride } from '../../http/admin/answers/overrides.ts';
import type { PolicyDetail, PolicyList } from '../../http/admin/answers/policies.ts';
import type { Revision } from '../../ports/history.ts';
import { AdminClient, AdminError, type Replica } from './admin.ts';
import type { StoredOverride, StoredPolicy, Target } from './target.ts';

/**
 * Number of concurrent requests for policies. The operator's connections are limited, and other clients need some too.
 */
const AT_ONCE = 16;

/** An operator accessed directly, with or without a cluster. */
export class StandaloneTarget implements Target {
  readonly name: string;
  readonly namespace = DEFAULT_NAMESPACE;
  readonly unlistedReason =
    'it was not asked; name the URL of each replica in --server, separated by commas, or use a kubeconfig';
  readonly #admin: AdminClient;
  readonly #replicas: readonly Replica[];

  /**
   * @param urls at least one. Policies and overrides are read from the first; agents and breakers from all.
   * @param token returns the user's token; absent: no authentication.
   */
  constructor(urls: readonly string[], token?: () => Promise<string | undefined>) {
    const client = (url: string) => new AdminClient({ url, name: `the operator at ${url}`, ...(token && { token }) });
    this.name = `the operator at ${urls.join(', ')}`;
    const clients = urls.map(client);
    this.#admin = clients[0]!;
    this.#replicas = clients.map((admin) => ({ name: admin.url, admin }));
  }

  async operator(): Promise<AdminClient> {
    return this.#admin;
  }

  async replicas(): Promise<readonly Replica[]> {
    return this.#replicas;
  }

  async policies(namespace: string | undefined): Promise<StoredPolicy[]> {
    const { items } = await this.#admin.get<PolicyList>('/v1/policies', { namespace });
    const found: StoredPolicy[] = [];
    for (let first = 0; first < items.length; first += AT_ONCE) {
      const some = items.slice(first, first + AT_ONCE).map(({ namespace, name }) => this.policy(namespace, name));
      found.push(...(await Promise.all(some)).filter((policy) => policy !== undefined));
    }
    return found;
  }

  async policy(namespace: string, name: string): Promise<StoredPolicy | undefined> {
    try {
      return toStoredPolicy(await this.#admin.get<PolicyDetail>(pathOf({ namespace, name })));
    } catch (error) {
      if (error instanceof AdminError && error.status === 404) return undefined;
      throw error;
    }
  }

  async history(policy: StoredPolicy): Promise<Revision[]> {
    const { items } = await this.#admin.get<HistoryAnswer>(`${pathOf(policy)}/history`);
    return [...items];
  }

  async rollback(policy: StoredPolicy, { revision }: Revision): Promise<void> {
    await this.#admin.post(`${pathOf(policy)}/rollback`, { toRevision: revision });
  }

  async overrides(namespace: string | undefined): Promise<StoredOverride[]> {
    const { items } = await this.#admin.get<OverrideList>('/v1/overrides', { namespace });
    return items.map(toStored);
  }

  async override(namespace: string, spec: OverrideSpec): Promise<StoredOverride> {
    const path = `/v1/overrides/${encodeURIComponent(namespace)}`;
    return toStored(await this.#admin.post<ShownOverride>(path, spec));
  }

  async endOverride(namespace: string, name: string): Promise<boolean> {
    try {
      await this.#admin.delete(`/v1/overrides/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`);
      return true;
    } catch (error) {
      if (error instanceof AdminError && error.status === 404) return false;
      throw error;
    }
  }

  async close(): Promise<void> {}
}

const pathOf = ({ namespace, name }: Pick<StoredPolicy, 'namespace' | 'name'>) =>
  `/v1/policies/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`;

/** The spec stays exactly as in its source. An invalid one has `problems`. */
const toStoredPolicy = ({ spec, ...rest }: PolicyDetail) => ({ ...rest, spec }) as StoredPolicy;

function toStored({ breakers = [], action, reason, selector, ...rest }: ShownOverride): StoredOverride {
  const spec = { breakers, action, reason, ...(selector && { selector }) } as OverrideSpec;
  return { ...rest, spec } as StoredOverride;
}
