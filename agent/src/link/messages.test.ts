import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isStoredSet } from './local/stored-set.ts';
import { readMessage } from './messages.ts';

const EVENTS = ['hello', 'begin', 'policy', 'override', 'remove', 'routes', 'commit', 'insync', 'heartbeat', 'goaway'];
const OVERRIDE = {
  uid: 'u',
  name: 'n',
  breakers: ['payments', '*'],
  action: 'ForceOpen',
  reason: 'why',
  createdAt: 1,
  expiresAt: 2,
};
const read = (event: string, content: unknown) => readMessage({ event, data: JSON.stringify(content) });

describe('a message', () => {
  it.each([
    ['hello', { protocol: 1, heartbeatMs: 15_000, reportUrl: 'http://x' }],
    ['begin', { kind: 'snapshot', revision: 'r', now: 0, asOf: { policies: '12' } }],
    ['begin', { kind: 'patch', base: 'q', revision: 'r', now: 0 }],
    ['policy', { uid: 'u', generation: 3, name: 'n', spec: {} }],
    ['policy', { uid: 'u', generation: 0, hold: true }],
    ['override', OVERRIDE],
    ['remove', { uid: 'u' }],
    ['commit', { revision: 'r' }],
    ['insync', { revision: 'r', now: 0 }],
    ['heartbeat', { now: 0 }],
    ['goaway', { reconnectAfterMs: 10 }],
  ])('%s is read: %j', (event, content) => {
    expect(read(event, content)).toEqual({ type: event, ...content });
  });

  it('of routes is a list of pairs', () => {
    expect(read('routes', [['a', 'u']])).toEqual({ type: 'routes', routes: [['a', 'u']] });
  });

  it.each([
    ['hello', { protocol: '1', heartbeatMs: 1 }],
    ['hello', { protocol: 1, heartbeatMs: -1 }],
    ['begin', { kind: 'patch', revision: 'r', now: 0 }],
    ['begin', { kind: 'snapshot', revision: 'r\n', now: 0 }],
    ['begin', { kind: 'snapshot', revision: 'r', asOf: { policies: '0x1' } }],
    ['policy', { uid: 'u', generation: 1 }],
    ['policy', { uid: 'u', generation: 1.5, spec: {} }],
    ['policy', { uid: 'u'.repeat(65), generation: 1, spec: {} }],
    ['begin', { kind: 'snapshot', revision: 'r' }],
    ['insync', { revision: 'r', now: 'noon' }],
    ['override', { ...OVERRIDE, breakers: 'payments' }],
    ['override', { ...OVERRIDE, breakers: [1] }],
    ['override', { ...OVERRIDE, breakers: new Array(65).fill('payments') }],
    ['override', { ...OVERRIDE, reason: 'x'.repeat(257) }],
    ['override', { ...OVERRIDE, expiresAt: '2026-01-01T00:00:00Z' }],
    ['routes', [['a']]],
    ['routes', {}],
    ['commit', []],
    ['goaway', null],
  ])('%s that is malformed is a fault: %j', (event, content) => {
    expect(read(event, content)).toEqual({ fault: `the event "${event}" is malformed` });
  });

  it('that is not known is nothing', () => {
    expect(read('overview', {})).toBeUndefined();
    expect(read('override', { ...OVERRIDE, action: 'ForceHalfOpen' })).toBeUndefined();
    expect(read('constructor', {})).toBeUndefined();
  });

  it('is read, unknown or a fault, whatever comes', () => {
    const data = fc.oneof(fc.string(), fc.json());
    fc.assert(
      fc.property(fc.constantFrom(...EVENTS, 'other'), data, (event, text) => {
        const message = readMessage({ event, data: text });
        expect(message === undefined || 'fault' in message || message.type === event).toBe(true);
      }),
    );
  });
});

describe('routes', () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => [`b${i}`, 'u']);

  it('are read up to the most that an agent takes', () => {
    expect(read('routes', names(20_000))).toMatchObject({ routes: { length: 20_000 } });
    expect(read('routes', names(20_001))).toEqual({ type: 'routes', routes: undefined });
  });

  it.each([
    ['deep lists', '[', ']'],
    ['deep maps', '{"a":', '}'],
    ['numbers', '1,', ''],
  ])('that are %s are not parsed', (_what, begins, ends) => {
    const data = `[${begins.repeat(100_000)}1${ends.repeat(100_000)}]`;
    expect(readMessage({ event: 'routes', data })).toEqual({ type: 'routes', routes: undefined });
  });
});

describe('a set that was kept', () => {
  const set = { revision: 'r', asOf: {}, routes: [['a', 'u']], policies: [], rejections: [] };

  it.each([
    ['without overrides', {}, true],
    ['with overrides', { overrides: [OVERRIDE] }, true],
    ['with overrides that are no list', { overrides: OVERRIDE }, false],
    ['with an override without breakers', { overrides: [{ ...OVERRIDE, breakers: undefined }] }, false],
    ['with an action that is not known', { overrides: [{ ...OVERRIDE, action: 'Melt' }] }, false],
  ])('%s is read: %j %s', (_how, more, sound) => {
    expect(isStoredSet({ ...set, ...more })).toBe(sound);
  });
});
