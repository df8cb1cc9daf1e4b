import type { TimelineAnswer } from '../../../src/http/admin/answers/timeline.ts';

/** What was counted in a step of time, over all processes. */
export interface Step {
  /** Calls that ended. Rejected calls are not among them. */
  readonly calls: number;
  readonly failed: number;
  /** Slow calls; where the limit for slow calls differs from the one in force, interpolated from latencies. */
  readonly slow: number;
  /** The least and the highest number of slow calls that the counts allow. */
  readonly slowLeast: number;
  readonly slowMost: number;
  readonly rejected: number;
  /** The most processes at once with an open or half-open circuit. */
  readonly open: number;
}

export interface Steps {
  /** Milliseconds since 1970. */
  readonly begin: number;
  readonly stepMs: number;
  readonly steps: readonly Step[];
}

/**
 * The complete steps of a time line, without the one that is not over yet.
 *
 * @param counted the limit for slow calls by which `slow` was counted, in milliseconds.
 * @param wanted the limit to count slow calls by; where it is another, they are taken from the latencies.
 */
export function stepsOf(
  { series, latency }: Pick<TimelineAnswer, 'series' | 'latency'>,
  counted?: number,
  wanted = counted,
): Steps {
  const { begin, slotMs, columns, values } = series;
  const at = (slot: number, name: (typeof columns)[number]) => values[slot * columns.length + columns.indexOf(name)]!;
  const length = Math.max(0, values.length / columns.length - 1);
  const ratio = latency.slotMs / slotMs;
  const steps = Array.from({ length }, (_, slot): Step => {
    const calls = at(slot, 'calls');
    const slow = at(slot, 'slow');
    const known = { slow, slowLeast: slow, slowMost: slow };
    const rows = Math.floor((begin + slot * slotMs - latency.begin) / latency.slotMs);
    return {
      ...{ calls, failed: at(slot, 'failed'), rejected: at(slot, 'rejected') },
      ...(wanted === undefined || wanted === counted ? known : slowOf(latency, rows, wanted, calls, ratio)),
      open: at(slot, 'open') + at(slot, 'halfOpen'),
    };
  });
  return { begin, stepMs: slotMs, steps };
}

/** Slow calls of a step, from the latencies of the longer step around it. */
function slowOf(
  { boundsMs, values }: TimelineAnswer['latency'],
  slot: number,
  slowerThanMs: number,
  calls: number,
  ratio: number,
): Pick<Step, 'slow' | 'slowLeast' | 'slowMost'> {
  const rows = boundsMs.length;
  let [total, likely, least, most] = [0, 0, 0, 0];
  for (let row = 0; row < rows; row += 1) {
    const own = values[slot * rows + row] ?? 0;
    const upper = row === rows - 1 ? Number.POSITIVE_INFINITY : boundsMs[row]!;
    const lower = row === 0 ? 0 : boundsMs[row - 1]!;
    total += own;
    if (lower >= slowerThanMs) least += own;
    if (upper > slowerThanMs) most += own;
    likely += own * shareAbove(lower, upper, slowerThanMs);
  }
  if (total === 0) return { slow: 0, slowLeast: 0, slowMost: calls };
  // Within the longer step, nobody knows in which of the short ones the slow calls were; a single one is known whole.
  const others = Math.max(0, total - calls);
  return {
    slow: (calls * likely) / total,
    slowLeast: ratio === 1 ? Math.min(calls, least) : Math.max(0, Math.min(calls, least - others)),
    slowMost: Math.min(calls, most),
  };
}

/** The share of a latency row that is above a limit, with its calls spread evenly over the logarithm of latency. */
function shareAbove(lower: number, upper: number, limit: number): number {
  if (limit <= lower) return 1;
  if (limit >= upper) return 0;
  // The last row has no end, and the first begins at zero: neither says where in it the calls are.
  return upper === Number.POSITIVE_INFINITY || lower === 0 ? 0.5 : Math.log2(upper / limit) / Math.log2(upper / lower);
}
