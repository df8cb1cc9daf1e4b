import { randomBytes } from 'node:crypto';
import { CREATED_BY, GROUP, OVERRIDE_KIND, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import type { OverrideStore } from '../../core/policy/override.ts';
import { Problem } from '../../ports/problem.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { type KubeObject, toOverride } from '../api/object.ts';
import { collectionPath, OVERRIDES, objectPath } from '../api/resource.ts';

/**
 * Overrides as objects in the API server. Needs the verbs create, delete and attribute on `circuitbreakeroverrides`.
 */
export function kubernetesOverrides(kubeConfig: KubeConfig): OverrideStore {
  const client = new KubeClient(kubeConfig);
  return {
    async create({ namespace, spec, createdBy }) {
      // Of two created in the same second, the one with the name that sorts last is the newer one.
      const name = `${slug(spec.breakers[0]!)}-${Date.now().toString(36)}-${randomBytes(2).toString('hex')}`;
      const body = {
        apiVersion: `${GROUP}/${VERSION}`,
        kind: OVERRIDE_KIND,
        metadata: { name, namespace, annotations: { [CREATED_BY]: createdBy } },
        spec,
      };
      try {
        const path = collectionPath(OVERRIDES, namespace);
        return toOverride(await client.request<KubeObject>(path, { method: 'POST', body }));
      } catch (error) {
        throw refusal(error, `cannot make an override in namespace "${namespace}"`);
      }
    },
    async remove({ namespace, name, uid }) {
      const body = { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid } };
      try {
        await client.request(objectPath(OVERRIDES, namespace, name), { method: 'DELETE', body });
      } catch (error) {
        // Another one of the same name is not this one.
        if (error instanceof KubeError && (error.status === 404 || error.status === 409)) return;
        throw refusal(error, `cannot remove override "${name}" in namespace "${namespace}"`);
      }
    },
  };
}

/** What the API server refuses is said in its words; that it cannot be reached passes. */
function refusal(error: unknown, what: string): unknown {
  if (!(error instanceof KubeError)) return error;
  const { status, message } = error;
  if (message.includes(CREATED_BY)) {
    const advice = "grant the operator's account the verb attribute on circuitbreakeroverrides";
    return new Problem(503, `${what}: ${message}; ${advice}`);
  }
  if (status === 400 || status === 404 || status === 422) return new Problem(status, `${what}: ${message}`);
  const advice = status === 403 ? '; grant it to the ServiceAccount of the operator' : '; try again';
  return new Problem(503, `${what}: ${message}${advice}`);
}

/** A name of a breaker as the beginning of a name of an object. */
export const slug = (breaker: string) =>
  breaker
    .toLowerCase()
    .replace(/\*$/, 'all')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60) || 'all';
