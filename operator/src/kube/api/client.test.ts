import { expect, it } from '@jest/globals';
import { KubeError } from './client.ts';

it.each<[number | undefined, string, boolean]>([
  [403, 'pods is forbidden: User "jane" cannot create resource "pods" in API group ""', true],
  [403, 'pods is forbidden: User "jane" cannot create resource "pods" in API group "": denied the request', true],
  [403, 'Forbidden', true],
  [403, 'pods "a" is forbidden: unable to create new content in namespace q because it is being terminated', false],
  [403, 'pods "a" is forbidden: exceeded quota: few, requested: count/pods=1, used: 1, limited: 1', false],
  [403, 'admission webhook "a.example" denied the request: no', false],
  [403, "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no", false],
  [422, 'pods "a" is invalid', false],
  [undefined, 'the connection was cut', false],
])('tells a missing permission from other refusals: %s %s', (status, message, lacking) => {
  expect(new KubeError(message, status).lacksPermission).toBe(lacking);
});
