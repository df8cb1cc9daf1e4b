import { KubeConfig } from '@kubernetes/client-node';
import type { Rollback } from '../../ports/history.ts';
import { Problem } from '../../ports/problem.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { objectPath, POLICIES } from '../api/resource.ts';

/** The field manager of a rolled-back spec in `managedFields`, whichever program the user used. */
const FIELD_MANAGER = 'fuseboard-rollback';

/**
 * Rolls back with the user's own token, so that the API server authorizes the change and its audit log names the user.
 * The operator's account may not edit policies. An operator without authentication gets no token and uses its own
 * credentials.
 */
export function kubernetesRollback(own: KubeConfig): Rollback {
  return {
    async apply({ namespace, name, uid }, spec, authorization) {
      const client = new KubeClient(authorization === undefined ? own : withToken(own, authorization));
      const body = [
        { op: 'test', path: '/metadata/uid', value: uid },
        { op: 'replace', path: '/spec', value: spec },
      ];
      const what = `cannot roll policy "${name}" in namespace "${namespace}" back`;
      try {
        await client.request(objectPath(POLICIES, namespace, name), {
          method: 'PATCH',
          contentType: 'application/json-patch+json',
          query: { fieldManager: FIELD_MANAGER },
          body,
        });
      } catch (error) {
        if (!(error instanceof KubeError)) throw error;
        const { status = 503, message } = error;
        const passed = [401, 403, 404, 409, 422].includes(status) ? status : 503;
        throw new Problem(passed, `${what}: ${message}`);
      }
    },
  };
}

function withToken(own: KubeConfig, authorization: string): KubeConfig {
  const token = /^Bearer (\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw new Problem(401, 'authorization: must be a bearer token');
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ ...own.getCurrentCluster()!, name: 'cluster' }, { name: 'person', token });
  return config;
}
