import { randomBytes } from 'node:crypto';
import { CREATED_BY, GROUP, OVERRIDE_KIND, VERSION } from '@fuseboard/schema';
import type { KubeConfig } from '@kubernetes/client-node';
import type { OverrideStore } from '../../ports/override-store.ts';
import { Problem } from '../../ports/problem.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { type KubeObject, toOverride } from '../api/object.ts';
import { collectionPath, OVERRIDES, objectPath } from '../api/resource.ts';

/**
 * Creates and deletes overrides in the API server. Needs the verbs create, delete and attribute on
 * `circuitbreakeroverrides`.
 */
export function kubernetesOverrides(kubeConfig: KubeConfig): OverrideStore {
  const client = new KubeClient(kubeConfig);
  return {
    async create({ namespace, spec, createdBy }) {
      const name = overrideName(spec.breakers[0]!);
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
        // 409 means that another override has this name, so the one to delete is already gone.
        if (error instanceof KubeError && (error.status === 404 || error.status === 409)) return;
        throw refusal(error, `cannot remove override "${name}" in namespace "${namespace}"`);
      }
    },
  };
}

/** Converts an error of the API server to a Problem with the same message. An unreachable API server becomes a 503. */
function refusal(error: unknown, what: string): unknown {
  if (!(error instanceof KubeError)) return error;
  const { status, message } = error;
  if (message.includes(CREATED_BY)) {
    const advice = "grant the operator's account the verb attribute on circuitbreakeroverrides";
    return new Problem(503, `${what}: ${message}; ${advice}`);
  }
  const { lacksPermission } = error;
  const refused = status === 400 || status === 404 || status === 422 || (status === 403 && !lacksPermission);
  if (refused) return new Problem(status, `${what}: ${message}`);
  const advice = lacksPermission ? '; grant it to the ServiceAccount of the operator' : '; try again';
  return new Problem(503, `${what}: ${message}${advice}`);
}

/**
 * A new name for an override. It contains the time: of two overrides created in the same second, the one whose name
 * sorts last takes precedence.
 */
export const overrideName = (breaker: string) =>
  `${slug(breaker)}-${Date.now().toString(36)}-${randomBytes(2).toString('hex')}`;

/** Converts a breaker name to a valid prefix of an object name. */
const slug = (breaker: string) =>
  breaker
    .toLowerCase()
    .replace(/\*$/, 'all')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60) || 'all';
