import { describe, expect, it } from '@jest/globals';
import { faultsOf } from './wire-contract.ts';
import { wireSchema } from './wire-schema.ts';

const begin = { kind: 'patch', base: 'r1', revision: 'r2', asOf: { policies: '7' }, now: 1 };

describe('the schema of the wire', () => {
  it('defines every message once', () => {
    expect(Object.keys(wireSchema().$defs as object)).toEqual([
      'hello',
      'begin',
      'policy',
      'override',
      'remove',
      'routes',
      'commit',
      'insync',
      'heartbeat',
      'goaway',
      'query',
      'report',
      'problem',
    ]);
  });

  it('takes a message, also one with fields of a newer version', () => {
    expect(faultsOf('begin', begin)).toEqual([]);
    expect(faultsOf('begin', { ...begin, mood: 'good' })).toEqual([]);
    expect(faultsOf('routes', [['payments', 'u1']])).toEqual([]);
  });

  it.each([
    ['begin', { ...begin, kind: 'whole' }, 'kind'],
    ['begin', { ...begin, asOf: { policies: 7 } }, 'asOf'],
    ['begin', { ...begin, now: undefined }, 'now'],
    ['routes', [['payments']], '0'],
    ['goaway', { reconnectAfterMs: -1 }, 'reconnectAfterMs'],
    ['problem', {}, 'error'],
    ['report', { protocol: 1 }, 'boot'],
    ['gossip', {}, 'no definition'],
  ])('refuses a %s that is not as the protocol has it, and says where', (name, message, where) => {
    expect(faultsOf(name, message).join('; ')).toContain(where);
  });
});
