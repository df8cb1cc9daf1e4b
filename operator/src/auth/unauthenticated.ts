import type { Authenticator } from '../core/authenticator.ts';
import { DEFAULT_NAMESPACE } from '../core/namespace.ts';

/** Believes whatever an agent says of itself; for loopback only. */
export const trusting: Authenticator = {
  way: 'none',
  caller: async ({ namespace }) => ({ namespace: namespace ?? DEFAULT_NAMESPACE }),
  labels: async (_caller, claimed) => claimed,
};
