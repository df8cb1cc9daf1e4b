import type { Outcome } from '../call.ts';

/** The meaning of Envoy's response flags: a kind of error, and the outcome when the status does not decide it. */
const FLAGS: Readonly<Record<string, { readonly error: string; readonly outcome: Outcome }>> = {
  UO: { error: 'overflow', outcome: 'rejected' },
  RL: { error: 'rate_limited', outcome: 'rejected' },
  RLSE: { error: 'rate_limit_service', outcome: 'failure' },
  UH: { error: 'no_healthy_upstream', outcome: 'failure' },
  UF: { error: 'connection_failed', outcome: 'failure' },
  UT: { error: 'timeout', outcome: 'failure' },
  SI: { error: 'timeout', outcome: 'failure' },
  DT: { error: 'timeout', outcome: 'failure' },
  UMSDR: { error: 'timeout', outcome: 'failure' },
  UR: { error: 'reset', outcome: 'failure' },
  UC: { error: 'reset', outcome: 'failure' },
  LR: { error: 'reset', outcome: 'failure' },
  URX: { error: 'retries_used_up', outcome: 'failure' },
  UPE: { error: 'protocol', outcome: 'failure' },
  NC: { error: 'no_cluster', outcome: 'failure' },
  NR: { error: 'no_route', outcome: 'failure' },
  DC: { error: 'client_gave_up', outcome: 'ignored' },
  DPE: { error: 'client_protocol', outcome: 'ignored' },
};

/** @param flags such as `UF,URX` or `-`. @returns the meaning of the first known flag. */
export function flagged(flags: string | undefined): { readonly error?: string; readonly outcome?: Outcome } {
  for (const flag of (flags ?? '').split(',')) {
    const known = FLAGS[flag];
    if (known) return known;
  }
  return {};
}
