import { describe, expect, it } from '@jest/globals';
import type { Request } from 'express';
import type { Access } from '../../ports/access.ts';
import { AuthError } from '../../ports/authenticator.ts';
import type { Audit } from '../audit.ts';
import { isStillAllowed } from './authorize.ts';

/** Rechecks the permission of a reader with this result of the check; the second value is the audit entry. */
async function asked(check: () => Promise<void>): Promise<[boolean, unknown[]]> {
  const access: Access = { method: 'review', user: async () => ({ name: 'ann', groups: [] }), check };
  const noted: unknown[] = [];
  const audit = { refused: (authError: AuthError, facts: object) => noted.push([authError.message, facts]) };
  const socket = { remoteAddress: '127.0.0.1' };
  const request = { get: () => 'Bearer x', method: 'GET', path: '/v1/watch', socket } as unknown as Request;
  const attributes = () => ({ verb: 'watch', resource: 'circuitbreakerpolicies' }) as const;
  return [await isStillAllowed(access, audit as unknown as Audit, request, attributes), noted];
}

describe('the check of a running watch', () => {
  it('keeps the watch open while the user has the permission', async () => {
    expect(await asked(async () => {})).toEqual([true, []]);
  });

  it('ends the watch once the permission is taken away, and records the name', async () => {
    const denied = async () => {
      throw new AuthError('not-allowed', '"ann" may not watch');
    };
    const facts = { from: '127.0.0.1', what: 'GET /v1/watch', claims: { person: 'ann' } };
    expect(await asked(denied)).toEqual([false, [['"ann" may not watch', facts]]]);
  });

  it('keeps the watch open while the permission cannot be checked', async () => {
    const unavailable = async () => {
      throw new AuthError('unavailable', 'the API server cannot be asked');
    };
    const broken = async () => {
      throw new Error('a bug');
    };
    expect(await asked(unavailable)).toEqual([true, []]);
    expect(await asked(broken)).toEqual([true, []]);
  });
});
