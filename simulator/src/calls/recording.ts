import type { Call } from '@fuseboard/traffic';
import type { Trace } from './trace.ts';
import { TraceBuilder } from './trace-builder.ts';

/** The recorded calls of one breaker. */
export interface BreakerRecording {
  readonly breaker: string;
  /** One trace for each process. */
  readonly traces: readonly Trace[];
  /** Whether the record names the process of each call. If not, all calls are in one trace. */
  readonly knowsProcesses: boolean;
  /** The keys that the indices in traces refer to. */
  readonly keys: readonly string[];
  readonly calls: number;
  readonly failures: number;
  /** Number of calls that a breaker or limiter had rejected. */
  readonly rejected: number;
  /** Number of calls without a recorded duration. They are assumed to end when they start. */
  readonly withoutDuration: number;
}

interface Growing {
  readonly traces: Map<string, TraceBuilder>;
  readonly keys: Map<string, number>;
  knowsProcesses: boolean;
  failures: number;
  rejected: number;
  withoutDuration: number;
}

/**
 * Collects recorded calls by breaker and process.
 *
 * @param batches batches from `readCalls` of `@fuseboard/traffic`.
 * @param nameOf returns the breaker of a call. Absent: the recorded one.
 */
export async function collect(
  batches: AsyncIterable<readonly Call[]> | Iterable<readonly Call[]>,
  nameOf: (call: Call) => string = ({ breaker }) => breaker,
): Promise<BreakerRecording[]> {
  const found = new Map<string, Growing>();
  for await (const batch of batches) for (const call of batch) add(found, nameOf(call), call);
  return [...found].map(([breaker, { traces, keys, knowsProcesses, failures, rejected, withoutDuration }]) => ({
    breaker,
    traces: [...traces.values()].map((each) => each.build()),
    knowsProcesses,
    keys: [...keys.keys()],
    calls: [...traces.values()].reduce((sum, { size }) => sum + size, 0),
    failures,
    rejected,
    withoutDuration,
  }));
}

function add(found: Map<string, Growing>, breaker: string, call: Call): void {
  let each = found.get(breaker);
  if (each === undefined) {
    each = { traces: new Map(), keys: new Map(), knowsProcesses: false, failures: 0, rejected: 0, withoutDuration: 0 };
    found.set(breaker, each);
  }
  const process = call.instance ?? '';
  if (call.instance !== undefined) each.knowsProcesses = true;
  let trace = each.traces.get(process);
  if (trace === undefined) {
    trace = new TraceBuilder(process);
    each.traces.set(process, trace);
  }
  if (call.outcome === 'failure') each.failures++;
  if (call.outcome === 'rejected') each.rejected++;
  if (Number.isNaN(call.durationMs)) each.withoutDuration++;
  trace.add(call, call.key === undefined ? -1 : keyIndex(each.keys, call.key));
}

function keyIndex(keys: Map<string, number>, key: string): number {
  const known = keys.get(key);
  if (known !== undefined) return known;
  keys.set(key, keys.size);
  return keys.size - 1;
}
