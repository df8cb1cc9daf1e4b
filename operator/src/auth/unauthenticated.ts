import { DEFAULT_NAMESPACE } from '../core/policy/namespace.ts';
import type { Authenticator } from '../ports/authenticator.ts';

/** Believes whatever an agent says of itself; for loopback only. */
export const unauthenticated: Authenticator = {
  method: 'none',
  identify: async ({ namespace }) => ({ namespace: namespace ?? DEFAULT_NAMESPACE }),
  labels: async (_identity, claimed) => claimed,
};
