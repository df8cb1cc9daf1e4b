import { KubeConfig } from '@kubernetes/client-node';
import type { EditPurpose, PolicyEditor } from '../../ports/policy-editor.ts';
import { Problem } from '../../ports/problem.ts';
import { KubeClient, KubeError } from '../api/client.ts';
import { objectPath, POLICIES } from '../api/resource.ts';

/** The field manager of a replaced spec in `managedFields`, whichever program the user used. */
const FIELD_MANAGERS: Readonly<Record<EditPurpose, string>> = {
  rollback: 'fuseboard-rollback',
  thresholds: 'fuseboard-thresholds',
};

/**
 * Edits with the user's own token, so that the API server authorizes the change and its audit log names the user. The
 * operator's account may not edit policies. An operator without authentication gets no token and uses its own
 * credentials.
 */
export function kubernetesPolicyEditor(own: KubeConfig): PolicyEditor {
  return {
    async replaceSpec({ namespace, name, uid, generation }, spec, purpose, authorization) {
      const client = new KubeClient(authorization === undefined ? own : withToken(own, authorization));
      const body = [
        { op: 'test', path: '/metadata/uid', value: uid },
        ...(purpose === 'rollback' ? [] : [{ op: 'test', path: '/metadata/generation', value: generation }]),
        { op: 'replace', path: '/spec', value: spec },
      ];
      const which = `policy "${name}" in namespace "${namespace}"`;
      const what = purpose === 'rollback' ? `cannot roll ${which} back` : `cannot edit ${which}`;
      try {
        await client.request(objectPath(POLICIES, namespace, name), {
          method: 'PATCH',
          contentType: 'application/json-patch+json',
          query: { fieldManager: FIELD_MANAGERS[purpose] },
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
