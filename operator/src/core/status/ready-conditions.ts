import type { OVERRIDE_CONDITION_REASONS } from '@fuseboard/schema';
import type { Condition } from '../policy/condition.ts';

/** A condition without its transition time and generation, which are added later. */
export type Decision = Pick<Condition, 'status' | 'reason' | 'message'>;

/** The conditions Ready, Reconciling and Stalled. An absent one is not written. */
export interface ReadyDecisions {
  readonly Ready: Decision;
  /** The operator or the agents are working, and the condition may end without user action. */
  readonly Reconciling?: Decision;
  /** The condition ends only after an edit. */
  readonly Stalled?: Decision;
}

/**
 * The readiness of a policy for tools that follow the kstatus rules: Helm, Flux, Argo CD, kubectl wait. Open breakers
 * do not affect it, because an open breaker means that the policy works.
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

/** The readiness of an override. An expired override is Ready, because it has done its work. */
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
