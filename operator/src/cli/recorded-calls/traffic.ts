import type { TrafficFinding, TrafficPolicy } from '@fuseboard/simulator';
import type { Terminal } from '../terminal.ts';
import { callsRequest, type MaybeCalls, simulated } from './call-options.ts';

/** What recorded calls say about each policy; nothing when no calls are given. */
export async function trafficFindings(
  options: MaybeCalls,
  terminal: Terminal,
  policies: readonly TrafficPolicy[],
): Promise<TrafficFinding[][]> {
  const { calls } = options;
  if (calls === undefined) return policies.map(() => []);
  return simulated((simulator) =>
    simulator.runTraffic(callsRequest({ ...options, calls }, terminal, simulator), policies),
  );
}
