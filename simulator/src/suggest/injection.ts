import { seededRandom } from '../calls/random.ts';
import { between, FAILURE, SUCCESS, type Trace } from '../calls/trace.ts';

/** A fault to inject into calm calls, to test whether a policy detects it. */
export interface Fault {
  readonly name: string;
  /** The share of calls that fail. */
  readonly failing?: number;
  /** The factor by which calls take longer. */
  readonly slower?: number;
  /** The share of slowed calls. Absent: all calls. */
  readonly affected?: number;
}

export const FAILURES: readonly Fault[] = [
  { name: 'all fail', failing: 1 },
  { name: '60 % fail', failing: 0.6 },
  { name: '30 % fail', failing: 0.3 },
];
export const SLOW_DOWNS: readonly Fault[] = [
  { name: 'hang, 20 x longer', slower: 20 },
  { name: '5 x slower', slower: 5 },
  { name: '3 x slower', slower: 3 },
];

/** A stretch of calm calls with an injected fault that starts at `from`. */
export interface Injected {
  readonly trace: Trace;
  readonly from: number;
}

export const FAULT_MS = 120_000;
const LEAD_MS = 120_000;
const LEAD_CALLS = 30;

/**
 * Injects a fault into calm traffic at random places.
 *
 * @param traces calm stretches.
 * @param times number of places; fewer are used when there is too little calm traffic.
 */
export function inject(traces: readonly Trace[], fault: Fault, times: number, seed = 1): Injected[] {
  const random = seededRandom(seed);
  const usable = traces.filter(({ start }) => start.length > LEAD_CALLS + 1);
  const calls = usable.reduce((sum, { start }) => sum + start.length, 0);
  if (calls === 0) return [];
  return Array.from({ length: times }, () => {
    let place = Math.floor(random() * calls);
    const trace = usable.find(({ start }) => {
      if (place < start.length) return true;
      place -= start.length;
      return false;
    })!;
    const first = Math.min(Math.max(place, LEAD_CALLS), trace.start.length - 2);
    return injectAt(trace, trace.start[first]!, first, fault, random);
  });
}

function injectAt(trace: Trace, from: number, first: number, fault: Fault, random: () => number): Injected {
  const leadFrom = Math.min(from - LEAD_MS, trace.start[first - LEAD_CALLS]!);
  const part = between(trace, leadFrom, from + FAULT_MS);
  const duration = part.duration.slice();
  const outcome = part.outcome.slice();
  for (let i = 0; i < part.start.length; i++) {
    if (part.start[i]! < from) continue;
    if (fault.slower !== undefined && random() < (fault.affected ?? 1)) {
      duration[i] = Math.max(duration[i]! * fault.slower, duration[i]! + 50);
    }
    if (fault.failing !== undefined && outcome[i] === SUCCESS && random() < fault.failing) outcome[i] = FAILURE;
  }
  return { trace: { ...part, duration, outcome }, from };
}
