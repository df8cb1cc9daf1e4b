import { holds, type Measure, ROUNDING } from '@fuseboard/schema/trip-conditions';
import type { TripReason } from '@fuseboard/schema/types';
import type { Numbers } from './numbers.ts';
import { RunChance } from './run-chance.ts';
import type { Steps } from './steps.ts';

/** A time in which the circuit was open or half-open. All times are in milliseconds since 1970. */
interface Opening {
  readonly from: number;
  /** When it closed; the end of the record where it did not. */
  readonly until: number;
  readonly reason: TripReason;
  /** How many times a probe failed and it opened again. */
  readonly reopened: number;
}

/** What a policy would have done, when calls come evenly. Numbers of calls are over all processes, and not whole. */
export interface Replayed {
  readonly openings: readonly Opening[];
  /** How long the circuit was open or half-open, in milliseconds. */
  readonly openMs: number;
  /** Calls that would have been rejected, of all that were made. */
  readonly rejected: number;
  /** Calls that failed in fact, and would have been rejected instead. */
  readonly spared: number;
  /** Calls that were rejected in fact, and would have passed. */
  readonly letThrough: number;
  /** For each step, the share of it in which the circuit was open or half-open. */
  readonly openShares: readonly number[];
}

/** How finely the calls of a step are spread, in milliseconds. */
const CELL_MS = 1_000;

/** A run of failures is taken to be there when its chance reaches this. */
const LIKELY = 0.5;

/**
 * Replays sums with the numbers of a policy. The calls of a step are spread evenly over its time and over the
 * processes, and their order is random. A rejected call is taken to fail as often as those that passed in its step, or
 * in the last step in which any passed. A probe fails where at least half of the calls fail or are slow. Jitter,
 * Retry-After and calls under way are left out.
 *
 * @param processes how many processes made the calls, at least 1.
 */
export function replay({ begin, stepMs, steps }: Steps, numbers: Numbers, processes: number): Replayed {
  const each = Math.max(1, Math.round(stepMs / CELL_MS));
  const cellMs = stepMs / each;
  const counted = new CallWindow(numbers, cellMs, steps.length * each);
  const openings: Opening[] = [];
  const openShares: number[] = [];
  const breaker = new Breaker(numbers);
  let [openMs, rejected, spared, letThrough] = [0, 0, 0, 0];
  let failing = 0;
  let slow = 0;
  steps.forEach((step, i) => {
    if (step.calls > 0) {
      failing = step.failed / step.calls;
      slow = step.slow / step.calls;
    }
    const made = (step.calls + step.rejected) / each;
    const own = made / processes;
    let notClosed = 0;
    for (let cell = 0; cell < each; cell += 1) {
      const now = begin + i * stepMs + (cell + 1) * cellMs;
      counted.add(own, own * failing, own * slow, failing, breaker.state === 'closed');
      const refusing = breaker.refusing(now);
      rejected += made * refusing;
      spared += (step.failed / each) * refusing;
      letThrough += (step.rejected / each) * (1 - refusing);
      if (breaker.state === 'closed') {
        const reason = counted.tripped();
        if (reason !== undefined) breaker.open(now, reason);
        continue;
      }
      notClosed += 1;
      const over = breaker.probe(now, own, Math.max(failing, slow));
      if (over === undefined) continue;
      openings.push(over);
      counted.clear();
    }
    openMs += notClosed * cellMs;
    openShares.push(notClosed / each);
  });
  const last = breaker.over(begin + steps.length * stepMs);
  return { openings: last ? [...openings, last] : openings, openMs, rejected, spared, letThrough, openShares };
}

/** The circuit of a process; all processes do the same. */
class Breaker {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  readonly #numbers: Numbers;
  #opening: Omit<Opening, 'until'> | undefined;
  #until = 0;
  #lastOpenMs = 0;
  #closedAt = Number.NEGATIVE_INFINITY;
  #again = 0;
  #probes = 0;
  #since = 0;

  constructor(numbers: Numbers) {
    this.#numbers = numbers;
  }

  /** The share of calls that is rejected now. */
  refusing(now: number): number {
    const { rampMs } = this.#numbers;
    if (this.state !== 'half-open' || rampMs === undefined) return this.state === 'closed' ? 0 : 1;
    return Math.max(0, 2 - 2 ** ((now - this.#since) / rampMs));
  }

  open(now: number, reason: TripReason): void {
    // Longer open times start over once the circuit stayed closed as long as it last was open.
    if (now - this.#closedAt >= this.#lastOpenMs) this.#again = 0;
    this.#opening = { from: now, reason, reopened: 0 };
    this.#stayOpen(now);
  }

  /** Lets calls through once the open time is over. @returns the opening that ended with them. */
  probe(now: number, calls: number, failing: number): Opening | undefined {
    const { probes, rampMs } = this.#numbers;
    if (calls === 0) return undefined;
    if (this.state === 'open') {
      if (now <= this.#until) return undefined;
      this.state = 'half-open';
      this.#probes = 0;
      this.#since = now;
    }
    this.#probes += calls;
    if (failing >= LIKELY && this.#probes >= 1 - ROUNDING) {
      this.#opening = { ...this.#opening!, reopened: this.#opening!.reopened + 1 };
      this.#stayOpen(now);
      return undefined;
    }
    const over = rampMs === undefined ? this.#probes >= probes - ROUNDING : now - this.#since >= rampMs;
    if (!over) return undefined;
    this.state = 'closed';
    this.#closedAt = now;
    return this.over(now);
  }

  /** The opening, if there is one. */
  over(now: number): Opening | undefined {
    const opening = this.#opening;
    this.#opening = undefined;
    return opening && { ...opening, until: now };
  }

  #stayOpen(now: number): void {
    const { openMs, backoffFactor, maxOpenMs } = this.#numbers;
    this.state = 'open';
    this.#lastOpenMs = Math.min(maxOpenMs, openMs * backoffFactor ** this.#again);
    this.#until = now + this.#lastOpenMs;
    this.#again += 1;
  }
}

/** What the conditions of a policy see of the calls of one process. */
class CallWindow {
  readonly #numbers: Numbers;
  readonly #cellMs: number;
  /** Calls, failures and slow calls up to each cell, one after the other. */
  readonly #sums: Float64Array;
  #end = 0;
  #from = 0;
  readonly #faded = [0, 0, 0];
  #run: RunChance;
  readonly #runLength: number;

  constructor(numbers: Numbers, cellMs: number, cells: number) {
    this.#numbers = numbers;
    this.#cellMs = cellMs;
    this.#sums = new Float64Array(3 * (cells + 1));
    const { threshold } =
      numbers.conditions.find(({ condition }) => condition.measures === 'consecutiveFailures') ?? {};
    this.#runLength = threshold ?? Number.POSITIVE_INFINITY;
    this.#run = new RunChance(this.#runLength);
  }

  add(calls: number, failed: number, slow: number, failing: number, closed: boolean): void {
    const { window } = this.#numbers;
    [calls, failed, slow].forEach((count, i) => {
      this.#sums[3 * (this.#end + 1) + i] = this.#sums[3 * this.#end + i]! + count;
      if (window.type === 'Ewma') {
        this.#faded[i] = this.#faded[i]! * 2 ** (-this.#cellMs / window.halfLifeMs) + count;
      }
    });
    this.#end += 1;
    if (closed && this.#runLength < Number.POSITIVE_INFINITY) this.#run.add(calls, failing);
  }

  /** The first condition that holds. */
  tripped(): TripReason | undefined {
    const { conditions, minimumCalls } = this.#numbers;
    const [calls, failures, slow] = this.#measured() as [number, number, number];
    const runs = this.#run.value >= LIKELY ? this.#runLength : 0;
    const measured: Readonly<Record<Measure, number>> = { failures, slow, consecutiveFailures: runs };
    return conditions.find(
      ({ condition, threshold }) =>
        (!condition.isRate || calls >= minimumCalls - ROUNDING) &&
        holds(condition, threshold, measured[condition.measures], calls),
    )?.condition.reason;
  }

  /** Starts empty, as after a close. */
  clear(): void {
    this.#from = this.#end;
    this.#faded.fill(0);
    this.#run = new RunChance(this.#runLength);
  }

  #measured(): number[] {
    const { window } = this.#numbers;
    if (window.type === 'Ewma') return this.#faded;
    let share = 1;
    if (window.type === 'Time') {
      this.#from = Math.max(this.#from, this.#end - Math.max(1, Math.round(window.ms / this.#cellMs)));
      share = Math.min(1, window.ms / this.#cellMs);
    } else {
      while (this.#from + 1 < this.#end && this.#since(0, this.#from + 1) >= window.size) this.#from += 1;
      share = Math.min(1, window.size / Math.max(window.size, this.#since(0, this.#from)));
    }
    return [0, 1, 2].map((i) => this.#since(i, this.#from) * share);
  }

  #since(i: number, cell: number): number {
    return this.#sums[3 * this.#end + i]! - this.#sums[3 * cell + i]!;
  }
}
