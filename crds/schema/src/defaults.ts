/**
 * What an absent field of a policy means. One table: the descriptions quote it, the agent resolves with it, and the
 * CRD itself writes only `mode` and `onUpdate` into stored objects.
 */
export const DEFAULTS = {
  mode: 'Enforce',
  onUpdate: 'Preserve',
  trip: {
    window: { type: 'Time', duration: '10s' },
    minimumCalls: 20,
  },
  recovery: {
    openDuration: '30s',
    halfOpen: { strategy: 'Probes', maxProbes: 1, successThreshold: 1, probeTimeout: '30s' },
  },
  classify: { failure: { httpStatus: ['5xx'] } },
} as const;
