import { GROUP, KIND, VERSION } from '@fuseboard/schema';

/** The policy whose edits are timed. */
export const WATCHED = 'load-0';

export interface PolicyObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace: string };
  readonly spec: object;
}

/** The watched policy at an edit, which is a number from 1 on. */
export const watchedPolicy = (namespace: string, edit: number): PolicyObject => policy(namespace, 0, 'load', edit);

/**
 * All policies of a run; the first `matched` of them are for its agents, the others for applications that are not
 * there.
 */
export function policiesOf(namespace: string, count: number, matched: number): PolicyObject[] {
  return Array.from({ length: count }, (_, i) => policy(namespace, i, i < matched ? 'load' : `other-${i % 100}`, 1));
}

/** Gives one of the policies circuits for each key, so that these come and go in a run. */
export const keyed = (policy: PolicyObject): PolicyObject =>
  policy.metadata.name === 'load-3'
    ? { ...policy, spec: { ...policy.spec, perKey: { maxKeys: 100, idleTimeout: '10s' } } }
    : policy;

function policy(namespace: string, i: number, app: string, consecutiveFailures: number): PolicyObject {
  return {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: KIND,
    metadata: { name: `load-${i}`, namespace },
    spec: {
      selector: { matchLabels: { app } },
      breakers: [`load-${i}`, `partner-${i}-*`],
      trip: {
        window: { type: 'Time', duration: '10s' },
        minimumCalls: 20,
        failureRate: { thresholdPercent: 50 },
        consecutiveFailures,
      },
      recovery: { openDuration: '30s', halfOpen: { maxProbes: 1 } },
      timeout: { duration: '2s' },
    },
  };
}
