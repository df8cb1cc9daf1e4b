import type { Outcome } from './call.ts';
import type { Observation } from './observation.ts';
import type { ReadOptions } from './options.ts';
import { statusSet } from './status-set.ts';

const FAILURE_STATUSES = ['5xx', '0'];
/** nginx: the client closed the connection (499). AWS: the client closed it within the idle timeout (460). */
const IGNORED_STATUSES = ['499', '460'];

/** Classifies calls: by the outcome in the record first, then by the kind of error, then by the status. */
export function classifier(options: ReadOptions): (one: Observation) => Outcome {
  const fails = statusSet(options.failureStatuses ?? FAILURE_STATUSES);
  const named = statusSet(options.failureStatuses ?? []);
  const ignored = statusSet(options.ignoredStatuses ?? IGNORED_STATUSES);
  const answers = new Set(options.successErrors ?? []);
  return ({ outcome, status, error }) => {
    if (error !== undefined && answers.has(error)) return 'success';
    if (status !== undefined && outcome !== 'rejected' && named(status)) return 'failure';
    if (outcome !== undefined) return outcome;
    if (status !== undefined && ignored(status)) return 'ignored';
    if (error !== undefined) return 'failure';
    return status !== undefined && fails(status) ? 'failure' : 'success';
  };
}
