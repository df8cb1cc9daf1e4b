import { DEFAULT_NAMESPACE } from '../core/policy/namespace.ts';
import type { Authenticator } from '../ports/authenticator.ts';

/** Accepts the namespace and labels that an agent claims. Only for loopback. */
export const unauthenticated: Authenticator = {
  method: 'none',
  identify: async ({ namespace }) => ({ namespace: namespace ?? DEFAULT_NAMESPACE }),
  labels: async (_identity, claimed) => claimed,
};
