import { LIMITS } from '../core/limits/limits.ts';

/**
 * The fixed defaults of the flags of `fuseboard serve`, as written on the command line. The configuration applies them;
 * `--help`, the reference of the command line and the values of the chart show them. Defaults of limits come from the
 * table of limits.
 */
export const FLAG_DEFAULTS = {
  leaseName: 'fuseboard',
  leaseDuration: '15s',
  leaseRenewDeadline: '10s',
  leaseRetryPeriod: '2s',
  replicaRenewPeriod: '10s',
  replicaExpiry: '30s',
  statusWritesPerSecond: '20',
  historyWritesPerSecond: '20',
  overrideRetention: '1h',
  restoreAfter: '30s',
  maxConnections: String(LIMITS.connections.value),
  maxStreamsPerSecond: String(LIMITS['stream-rate'].value),
  maxStreamsPerPod: String(LIMITS['streams-of-pod'].value),
  maxReportsPerPod: String(LIMITS['report-rate-of-pod'].value),
  maxReportsPerSecond: String(LIMITS['report-rate'].value),
  maxAgentsPerPod: String(LIMITS['agents-of-pod'].value),
  maxAgents: String(LIMITS.agents.value),
  maxBreakersPerPod: String(LIMITS['breakers-of-pod'].value),
  maxBreakers: String(LIMITS.breakers.value),
  maxSnapshots: String(LIMITS.snapshots.value),
  maxBadTokens: '60',
  tokenReviewPeriod: '14s',
  logLevel: 'info',
  logFormat: 'auto',
} as const;
