import type { Observation, Outcome, Step } from './sequence.ts';

const FRESH: Observation = { state: 'closed', calls: 0, failures: 0 };

/** An ended call: where in the sequence it began and ended. */
export interface Ended {
  readonly began: number;
  readonly ended: number;
  readonly outcome: Outcome;
}

/** A sequence up to a step, with what both sides showed; what a reason may look at. */
export class Trace {
  readonly steps: readonly Step[];
  readonly allOurs: readonly Observation[];
  readonly allTheirs: readonly Observation[];
  readonly index: number;
  readonly times: number[] = [];

  constructor(steps: readonly Step[], ours: readonly Observation[], theirs: readonly Observation[], index: number) {
    this.steps = steps.slice(0, index + 1);
    this.allOurs = ours;
    this.allTheirs = theirs;
    this.index = index;
    let now = 0;
    for (const step of this.steps) {
      if (step.do === 'advance') now += step.ms;
      this.times.push(now);
    }
  }

  get step(): Step {
    return this.steps[this.index]!;
  }
  get ours(): Observation {
    return this.allOurs[this.index]!;
  }
  get theirs(): Observation {
    return this.allTheirs[this.index]!;
  }
  get oursBefore(): Observation {
    return this.allOurs[this.index - 1] ?? FRESH;
  }
  get theirsBefore(): Observation {
    return this.allTheirs[this.index - 1] ?? FRESH;
  }
  get now(): number {
    return this.times[this.index]!;
  }

  /** The outcome of the call that ends with this step. */
  get outcome(): Outcome | undefined {
    return this.step.do === 'end' ? this.step.outcome : undefined;
  }

  states(ours: string, theirs: string): boolean {
    return this.ours.state === ours && this.theirs.state === theirs;
  }

  /** The step with which a side came into the state that it had before step `until`; 0 when it was made in it. */
  since(side: 'ours' | 'theirs', until = this.index): number {
    const seen = side === 'ours' ? this.allOurs : this.allTheirs;
    let at = until - 1;
    while (at > 0 && seen[at - 1]!.state === seen[at]!.state) at--;
    return at <= 0 ? 0 : at;
  }

  /** The last step at which a side came into a state; -1 when it never did. */
  lastInto(side: 'ours' | 'theirs', state: Observation['state']): number {
    const seen = side === 'ours' ? this.allOurs : this.allTheirs;
    let at = this.index;
    while (at >= 0 && !(seen[at]!.state === state && (seen[at - 1] ?? FRESH).state !== state)) at--;
    return at;
  }

  /** Calls that the peer let through and that ended with a step after `after`, this one included. */
  endedAfter(after: number): Ended[] {
    const began = new Map<number, number>();
    const ended: Ended[] = [];
    for (const [at, step] of this.steps.entries()) {
      if (step.do === 'begin' && this.allTheirs[at]!.admission === 'admitted') began.set(step.call, at);
      if (step.do !== 'end' || at <= after || !began.has(step.call)) continue;
      ended.push({ began: began.get(step.call)!, ended: at, outcome: step.outcome });
    }
    return ended;
  }

  /** Whether a side changed its state between the beginning and the end of a call. */
  isLate({ began, ended }: Ended): boolean {
    return [this.allOurs, this.allTheirs].some((seen) => {
      for (let at = began + 1; at < ended; at++) if (seen[at]!.state !== seen[began]!.state) return true;
      return false;
    });
  }

  lateAfter(after: number): Ended[] {
    return this.endedAfter(after).filter((call) => this.isLate(call));
  }

  underWay(): number {
    const admitted = this.steps.filter(
      (step, at) => step.do === 'begin' && this.allTheirs[at]!.admission === 'admitted',
    ).length;
    return admitted - this.endedAfter(-1).length;
  }

  /** How many calls the peer rejected within the last `ms`. */
  rejectedWithin(ms: number): number {
    return this.steps.filter((_, at) => this.allTheirs[at]!.admission === 'rejected' && this.times[at]! > this.now - ms)
      .length;
  }
}
