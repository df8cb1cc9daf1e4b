import { hostname } from 'node:os';
import { parseDuration } from '@fuseboard/schema';
import { z } from 'zod';
import { NAMESPACE_PATTERN } from '../core/policy/namespace.ts';
import { FLAG_DEFAULTS } from './defaults.ts';
import { UsageError } from './usage-error.ts';

/** How the replicas of an operator elect a leader and share their counts. */
export interface Replication {
  /**
   * The namespace of the Leases and ConfigMaps of the replicas. Absent: in a pod its namespace, elsewhere this process
   * is the only replica.
   */
  readonly namespace?: string;
  /** The name of the leader's Lease. */
  readonly name: string;
  /** The unique name of this replica. */
  readonly replica: string;
  /** All in milliseconds: of the leader's Lease, then of the heartbeat of each replica. */
  readonly times: {
    readonly leaseMs: number;
    readonly deadlineMs: number;
    readonly retryMs: number;
    readonly renewMs: number;
    readonly expiryMs: number;
  };
}

/** A duration such as 15s, from 1ms to 24h, in ms. */
export const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  context.addIssue({ code: 'custom', message: 'must be a duration such as 15s, from 1ms to 24h' });
  return z.NEVER;
});

const name = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$/, `must be lower-case letters, digits, dashes and dots: ${what}`);

/** The flags of replication, as the command line has them. */
export const ReplicationFlags = {
  leaseNamespace: z.string().regex(NAMESPACE_PATTERN, 'must be the name of a namespace').optional(),
  leaseName: name('the name of the Lease').prefault(FLAG_DEFAULTS.leaseName),
  replicaName: name('the name of this replica').optional(),
  leaseDuration: duration.prefault(FLAG_DEFAULTS.leaseDuration),
  leaseRenewDeadline: duration.prefault(FLAG_DEFAULTS.leaseRenewDeadline),
  leaseRetryPeriod: duration.prefault(FLAG_DEFAULTS.leaseRetryPeriod),
  replicaRenewPeriod: duration.prefault(FLAG_DEFAULTS.replicaRenewPeriod),
  replicaExpiry: duration.prefault(FLAG_DEFAULTS.replicaExpiry),
};

/**
 * @param host the name of the host, from which the name of the replica is made when no flag gives one.
 * @throws {UsageError} when the flags do not fit together.
 */
export function readReplication(
  f: z.infer<z.ZodObject<typeof ReplicationFlags>>,
  host: string = hostname(),
): Replication {
  if (f.leaseRetryPeriod >= f.leaseRenewDeadline || f.leaseRenewDeadline >= f.leaseDuration) {
    throw new UsageError(
      '--lease-duration must be longer than --lease-renew-deadline, and that longer than --lease-retry-period',
    );
  }
  if (f.replicaRenewPeriod * 2 > f.replicaExpiry) {
    throw new UsageError(
      '--replica-expiry must be at least twice --replica-renew-period, so that a replica with one late renewal is not removed',
    );
  }
  const replica =
    f.replicaName ??
    host
      .toLowerCase()
      .replaceAll(/[^-a-z0-9]/g, '-')
      .slice(0, 63)
      .replace(/^-+|-+$/g, '');
  if (replica === '') {
    throw new UsageError('--replica-name: the name of the host has no letter or digit; give this replica a name');
  }
  return {
    ...(f.leaseNamespace !== undefined && { namespace: f.leaseNamespace }),
    name: f.leaseName,
    replica,
    times: {
      leaseMs: f.leaseDuration,
      deadlineMs: f.leaseRenewDeadline,
      retryMs: f.leaseRetryPeriod,
      renewMs: f.replicaRenewPeriod,
      expiryMs: f.replicaExpiry,
    },
  };
}
