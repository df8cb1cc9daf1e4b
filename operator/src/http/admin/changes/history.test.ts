import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { policy } from '../../../../test/memory-source.ts';
import type { Access, ResourceAttributes } from '../../../ports/access.ts';
import { AuthError } from '../../../ports/authenticator.ts';
import type { PolicyEditor } from '../../../ports/policy-editor.ts';
import { noPolicyEditor } from '../../../stores/history.ts';
import type { AdminOptions } from '../options.ts';
import { historyRoutes } from './history.ts';

const anybody: PolicyEditor = { replaceSpec: async () => {} };

let close = () => {};

afterEach(() => close());

/** The rollback field of `/history` for a user with only this permission. */
async function rollbackOf(
  policyEditor: PolicyEditor,
  may: (attributes: ResourceAttributes) => boolean,
): Promise<unknown> {
  const access: Access = {
    method: 'review',
    user: async () => ({ name: 'ann', groups: [] }),
    check: async (_, attributes) => {
      if (!may(attributes))
        throw new AuthError('not-allowed', `"ann" may not ${attributes.verb} ${attributes.resource}`);
    },
  };
  const snapshots = { policies: () => [{ policy: policy('payments') }] };
  const history = { list: async () => [] };
  const options = { access, history, policyEditor, controller: { snapshots } } as unknown as AdminOptions;
  const server = express().use(historyRoutes(options)).listen(0, '127.0.0.1');
  close = () => server.close();
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/v1/policies/default/payments/history`);
  return ((await response.json()) as { rollback: unknown }).rollback;
}

describe('the history, on rolling back', () => {
  it('allows a user with permission to update the policy', async () => {
    const asked: ResourceAttributes[] = [];
    const may = (attributes: ResourceAttributes) => asked.push(attributes) > 0;
    expect(await rollbackOf(anybody, may)).toEqual({ allowed: true });
    const which = { resource: 'circuitbreakerpolicies', namespace: 'default', name: 'payments' };
    expect(asked).toEqual([
      { verb: 'get', ...which },
      { verb: 'update', ...which },
    ]);
  });

  it('names the missing permission of a user who may only read', async () => {
    const why = '"ann" may not update circuitbreakerpolicies';
    expect(await rollbackOf(anybody, ({ verb }) => verb === 'get')).toEqual({ allowed: false, why });
  });

  it('is to write the file where policies are files, whoever asks', async () => {
    const why = 'policy "payments" in namespace "default" comes from a file; write the spec of the revision into it';
    expect(await rollbackOf(noPolicyEditor, () => true)).toEqual({ allowed: false, why });
  });
});
