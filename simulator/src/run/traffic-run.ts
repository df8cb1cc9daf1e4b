import type { ReadOptions } from '@fuseboard/traffic';
import type { Spec } from '../replay/replay.ts';
import { type TrafficFinding, trafficFindings } from '../simulate/traffic-findings.ts';
import { isFor } from './policies.ts';
import { namedBy, readRecordings, refuseSampled, refuseUnrelated } from './recordings.ts';

/** The recorded calls that `fuseboard lint` and `fuseboard explain` look at. */
export interface TrafficRequest {
  readonly calls: readonly string[];
  readonly processes?: number;
  readonly read?: ReadOptions;
}

/** A policy with what its breakers were found to do. */
export interface TrafficPolicy {
  readonly spec: Spec;
  /** Names or patterns of its breakers. */
  readonly breakers: readonly string[];
}

/**
 * What recorded calls say about policies: for each policy, the findings of each recorded breaker that it lists.
 *
 * @throws InputError when a file is unreadable, its calls are sampled, or no policy is for a recorded breaker.
 * @throws {ConfigError} when a policy is invalid.
 */
export async function runTraffic(
  { calls, processes = 1, read = {} }: TrafficRequest,
  policies: readonly TrafficPolicy[],
): Promise<TrafficFinding[][]> {
  const recordings = await readRecordings(calls, read);
  refuseSampled(recordings, read.sampling !== undefined);
  const recorded = namedBy(policies, recordings);
  refuseUnrelated(policies, recorded);
  return policies.map(({ spec, breakers }) =>
    recorded
      .filter(({ breaker }) => isFor({ breakers }, breaker))
      .flatMap((recording) => trafficFindings(spec, recording, processes)),
  );
}
