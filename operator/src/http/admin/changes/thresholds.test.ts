import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import express from 'express';
import { pino } from 'pino';
import { policy } from '../../../../test/memory-source.ts';
import type { Access, ResourceAttributes } from '../../../ports/access.ts';
import { AuthError } from '../../../ports/authenticator.ts';
import type { PolicyEditor } from '../../../ports/policy-editor.ts';
import { Problem } from '../../../ports/problem.ts';
import { noPolicyEditor } from '../../../stores/history.ts';
import { answerProblems } from '../../problem.ts';
import { answerDenied } from '../authorize.ts';
import type { AdminOptions } from '../options.ts';
import { thresholdRoutes } from './thresholds.ts';

const SPEC = { breakers: ['payments'], mode: 'Shadow', trip: { failureCount: 3 }, recovery: { openDuration: '5s' } };
const PATH = '/v1/policies/default/payments/thresholds';

let close = () => {};
let asked: ResourceAttributes[];
let edits: unknown[];
let mayEdit: boolean;
let refused: string[];

const editor: PolicyEditor = {
  async replaceSpec({ name }, spec, purpose, authorization) {
    if (authorization === 'Bearer of-bob') throw new Problem(422, 'trip: not valid');
    edits.push({ name, spec, purpose, authorization });
  },
};

async function ask(body: unknown, policyEditor = editor, token = 'of-ann', path = PATH): Promise<[number, unknown]> {
  const access: Access = {
    method: 'review',
    user: async () => ({ name: 'ann', groups: [] }),
    check: async (_, attributes) => {
      asked.push(attributes);
      if (!mayEdit) throw new AuthError('not-allowed', `"ann" may not ${attributes.verb} ${attributes.resource}`);
    },
  };
  const snapshots = { policies: () => [{ policy: policy('payments', { generation: 4, spec: SPEC } as never) }] };
  const options = { access, policyEditor, controller: { snapshots }, log: pino({ level: 'silent' }) };
  const audit = { refused: (error: AuthError) => refused.push(error.message) };
  const server = express()
    .use(thresholdRoutes(options as unknown as AdminOptions))
    .use(answerDenied(audit as never))
    .use(answerProblems(() => {}))
    .listen(0, '127.0.0.1');
  close = () => server.close();
  await once(server, 'listening');
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(body),
  });
  close();
  const text = await response.text();
  return [response.status, text === '' ? undefined : JSON.parse(text)];
}

beforeEach(() => {
  [asked, edits, refused, mayEdit] = [[], [], [], true];
});

afterEach(() => close());

describe('the thresholds of a policy', () => {
  it('are replaced with the token of a user who may update it, and nothing else is', async () => {
    expect(await ask({ generation: 4, trip: { consecutiveFailures: 5 } })).toEqual([204, undefined]);
    expect(await ask({ generation: 4, recovery: { openDuration: '9s' } })).toEqual([204, undefined]);
    const edit = { name: 'payments', purpose: 'thresholds', authorization: 'Bearer of-ann' };
    expect(edits).toEqual([
      { ...edit, spec: { ...SPEC, trip: { consecutiveFailures: 5 } } },
      { ...edit, spec: { ...SPEC, recovery: { openDuration: '9s' } } },
    ]);
    const which = { resource: 'circuitbreakerpolicies', namespace: 'default', name: 'payments' };
    expect(asked).toEqual([
      { verb: 'update', ...which },
      { verb: 'update', ...which },
    ]);
  });

  it('stay for a user who may only read, and the refusal is in the audit log', async () => {
    mayEdit = false;
    const error = '"ann" may not update circuitbreakerpolicies';
    expect(await ask({ generation: 4, trip: {} })).toEqual([403, { error }]);
    expect([edits, refused]).toEqual([[], [error]]);
  });

  it('stay after an edit that the user did not see', async () => {
    const error = 'policy "payments" has changed: it is at generation 4, not 3; look at it again';
    expect(await ask({ generation: 3, trip: {} })).toEqual([409, { error }]);
    expect(edits).toEqual([]);
  });

  it('are written into the file where policies are files', async () => {
    const error = 'policy "payments" in namespace "default" comes from a file; write the thresholds into it';
    expect(await ask({ generation: 4, trip: {} }, noPolicyEditor)).toEqual([409, { error }]);
    await expect(noPolicyEditor.replaceSpec(policy('payments'), {}, 'thresholds', undefined)).rejects.toThrow(error);
  });

  it('are refused with the reason of the API server', async () => {
    expect(await ask({ generation: 4, trip: {} }, editor, 'of-bob')).toEqual([422, { error: 'trip: not valid' }]);
  });

  it.each([
    [{ generation: 4 }, 'give trip, recovery or both'],
    [{ trip: {} }, 'generation'],
    [{ generation: 4, trip: {}, breakers: ['other'] }, 'breakers'],
    [{ generation: 4, trip: 5 }, 'trip'],
  ])('are not taken from %j', async (body, message) => {
    const [status, { error }] = (await ask(body)) as [number, { error: string }];
    expect(status).toBe(400);
    expect(error).toContain(message);
    expect(edits).toEqual([]);
  });

  it('are not found where there is no policy of that name', async () => {
    const path = '/v1/policies/default/nothing/thresholds';
    expect((await ask({ generation: 4, trip: {} }, editor, 'of-ann', path))[0]).toBe(404);
  });
});
