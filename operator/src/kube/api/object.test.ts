import { UNREAD } from '@fuseboard/schema';
import { expect, it } from '@jest/globals';
import { KubeError } from './client.ts';
import { nameStart, readObject, toOverride, toPolicy, toStored } from './object.ts';

const metadata = { name: 'a', namespace: 'shop', uid: 'u', resourceVersion: '7' };

it.each([
  ['payments', 20, 'payments'],
  ['payments', 3, 'pay'],
  ['a-b.c', 4, 'a-b'],
  ['a.-.b', 4, 'a'],
])('begins a name with the letters and digits of %s up to %d characters', (name, length, start) => {
  expect(nameStart(name, length)).toBe(start);
});

it('takes an object with every field of its metadata', () => {
  const full = {
    metadata: {
      ...metadata,
      generation: 2,
      creationTimestamp: '2026-01-02T03:04:05Z',
      annotations: { a: 'b' },
      managedFields: [{ manager: 'kubectl', subresource: 'status' }],
    },
  };
  expect(readObject(full)).toBe(full);
});

it.each([
  ['generation', '2', 'a number'],
  ['creationTimestamp', { toString: 1 }, 'a string'],
  ['annotations', { a: {} }, 'a map of strings'],
  ['annotations', null, 'a map of strings'],
  ['managedFields', [null], 'a list of maps'],
])('refuses an object whose metadata.%s is %j', (field, value, type) => {
  expect(() => readObject({ metadata: { ...metadata, [field]: value } })).toThrow(
    new KubeError(`metadata.${field} of an object is not ${type}`),
  );
});

it('takes the default condition of an object that no operator has read for no status', () => {
  const accepted = { ...UNREAD, type: 'Accepted', status: 'True', reason: 'Valid' };
  for (const read of [toPolicy, toOverride, toStored]) {
    const statusOf = (status: unknown) => read({ metadata, spec: {}, status }).status;
    expect(statusOf({ conditions: [UNREAD] })).toBeUndefined();
    expect(statusOf({ conditions: [accepted, UNREAD] })).toEqual({ conditions: [accepted] });
    const written = { conditions: [{ ...UNREAD, lastTransitionTime: '2026-01-02T03:04:05Z' }] };
    expect(statusOf(written)).toEqual(written);
  }
});
