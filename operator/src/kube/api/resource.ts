import { GROUP, KIND, OVERRIDE_PLURAL, PLURAL, VERSION } from '@fuseboard/schema';
import type { Subject } from '../../ports/status-sink.ts';
import { type KubeClient, KubeError } from './client.ts';

/** A resource type of the API server. */
export interface KubeResource {
  /** The API group; empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Only objects with these labels are read; absent: all objects. */
  readonly labelSelector?: string;
}

export const POLICIES: KubeResource = { group: GROUP, version: VERSION, plural: PLURAL };
export const OVERRIDES: KubeResource = { group: GROUP, version: VERSION, plural: OVERRIDE_PLURAL };
export const LEASES: KubeResource = { group: 'coordination.k8s.io', version: 'v1', plural: 'leases' };
export const CONFIG_MAPS: KubeResource = { group: '', version: 'v1', plural: 'configmaps' };

export const kindOf = (subject: Subject) => ('kind' in subject ? subject.kind : KIND);
export const resourceOf = (subject: Subject) => ('kind' in subject ? OVERRIDES : POLICIES);

export const CONTROLLER_REVISIONS: KubeResource = { group: 'apps', version: 'v1', plural: 'controllerrevisions' };

/** `circuitbreakerpolicies.fuseboard.dev` */
export const resourceName = ({ plural, group }: KubeResource) => (group === '' ? plural : `${plural}.${group}`);

const root = ({ group, version }: KubeResource) => (group === '' ? `/api/${version}` : `/apis/${group}/${version}`);

/** The URL path of the collection, in one namespace or in all namespaces. */
export function collectionPath(resource: KubeResource, namespace?: string): string {
  const within = namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`;
  return `${root(resource)}${within}/${resource.plural}`;
}

export function objectPath(resource: KubeResource, namespace: string, name: string): string {
  return `${collectionPath(resource, namespace)}/${encodeURIComponent(name)}`;
}

/**
 * The verbs of the resource in the API server's discovery document, which every account may read; undefined for an
 * unknown resource. While a CRD is being deleted, the document still lists reading verbs, but no longer `create`.
 */
export async function offeredVerbs(
  client: KubeClient,
  resource: KubeResource,
  options: { signal: AbortSignal; timeoutMs: number },
): Promise<readonly string[]> {
  try {
    const { resources } = await client.request<{ resources?: { name: string; verbs: string[] }[] }>(
      root(resource),
      options,
    );
    return resources?.find(({ name }) => name === resource.plural)?.verbs ?? [];
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return [];
    throw error;
  }
}

/** Why the resource cannot be read, and how to fix it. */
export function explain(error: unknown, verb: 'list' | 'watch', resource: KubeResource, where: string): string {
  const name = resourceName(resource);
  const { message } = error as Error;
  switch (error instanceof KubeError ? error.status : undefined) {
    case undefined:
      return `cannot ${verb} ${name} at ${where}: ${message}; trying again`;
    case 401:
      return `the API server at ${where} does not accept our credentials (401): ${message}; renew the token or the kubeconfig`;
    case 403:
      return `not allowed to ${verb} ${name} (403): ${message}; grant the operator's account the verbs list and watch on ${resource.plural} of ${resource.group === '' ? 'the core group' : `the group ${resource.group}`}`;
    case 404:
      return `the API server at ${where} does not serve ${name} (404); install the definitions: kubectl apply -f crds/`;
    default:
      return `the API server at ${where} cannot ${verb} ${name} now (${(error as KubeError).status}): ${message}; trying again`;
  }
}
