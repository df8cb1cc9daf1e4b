import type { OVERRIDE_CONDITION_REASONS } from '@fuseboard/schema';
import type { Condition } from '../policy/condition.ts';

/** One condition as it is decided: its time and generation come later. */
export type Decision = Pick<Condition, 'status' | 'reason' | 'message'>;

/** What Ready, Reconciling and Stalled say; a type that is absent is not written. */
export interface ReadyDecisions {
  readonly Ready: Decision;
  /** The operator or agents are at work, and time alone may end it. */
  readonly Reconciling?: Decision;
  /** Nothing but an edit ends it. */
  readonly Stalled?: Decision;
}

/**
 * The summary that tools with kstatus's rules read: Helm, Flux, Argo CD, kubectl wait. Open breakers are no part of
 * it: an open breaker means that the policy works.
 *
 * https://github.com/kubernetes-sigs/cli-utils/blob/master/pkg/kstatus/README.md
 */
export function policyReadiness(accepted: Decision, programmed: Decision): ReadyDecisions {
  if (accepted.status === 'False') return stalled(accepted);
  switch (programmed.reason) {
    case 'Programmed':
    case 'NoAgents':
      return { Ready: { ...programmed, status: 'True' } };
    case 'AgentsGone':
      return { Ready: programmed };
    case 'Rejected':
      return stalled(programmed);
    default:
      return reconciling(programmed);
  }
}

/** As for a policy. An override that has ended has done what it was for. */
export function overrideReadiness(applied: Decision): ReadyDecisions {
  switch (applied.reason as (typeof OVERRIDE_CONDITION_REASONS)['Applied'][number]) {
    case 'Applied':
    case 'NoAgents':
    case 'Ended':
      return { Ready: { ...applied, status: 'True' } };
    case 'Invalid':
      return stalled(applied);
    default:
      return reconciling(applied);
  }
}

const stalled = ({ reason, message }: Decision): ReadyDecisions => ({
  Ready: { status: 'False', reason, message },
  Stalled: { status: 'True', reason, message },
});

const reconciling = ({ status, reason, message }: Decision): ReadyDecisions => ({
  Ready: { status, reason, message },
  Reconciling: { status: 'True', reason, message },
});
