import { FAILURE, type Trace } from '../calls/trace.ts';

/** Failures concentrated on a few keys. Separate circuits for keys then help more than another threshold. */
export interface KeySplit {
  /** Up to three keys with the highest failure rates, and their numbers of failures and calls. */
  readonly worst: readonly { readonly key: string; readonly failures: number; readonly calls: number }[];
  /** The share of all failures on these keys, 0 to 1. */
  readonly failureShare: number;
  readonly callShare: number;
}

const ENOUGH_FAILURES = 20;
const MOST_FAILURES = 0.8;
const FEW_CALLS = 0.2;

/** @returns undefined when keys are not recorded, or when failures are spread over them. */
export function splitByKey(traces: readonly Trace[], keys: readonly string[]): KeySplit | undefined {
  const counts = keys.map((key) => ({ key, failures: 0, calls: 0 }));
  let [failures, calls] = [0, 0];
  for (const { key, outcome } of traces) {
    if (key === undefined) continue;
    for (let i = 0; i < key.length; i++) {
      const count = counts[key[i]!];
      if (count === undefined) continue;
      const failed = outcome[i] === FAILURE ? 1 : 0;
      count.calls++;
      count.failures += failed;
      calls++;
      failures += failed;
    }
  }
  if (failures < ENOUGH_FAILURES) return undefined;
  let [taken, of] = [0, 0];
  const sorted = counts.sort((a, b) => b.failures / b.calls - a.failures / a.calls);
  for (const count of sorted) {
    taken += count.failures;
    of += count.calls;
    if (of >= FEW_CALLS * calls) return undefined;
    if (taken >= MOST_FAILURES * failures) {
      return { worst: sorted.slice(0, 3), failureShare: taken / failures, callShare: of / calls };
    }
  }
  return undefined;
}
