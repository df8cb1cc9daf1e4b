import type { Outcome } from '../call.ts';

/** The common labels of the series in one group. */
export interface StepLabels {
  readonly breaker: string | undefined;
  readonly instance: string | undefined;
  readonly code: string | undefined;
  readonly outcome: Outcome | undefined;
}

export interface StepGroup extends StepLabels {
  /** Number of calls in each step. */
  counts: Float64Array;
}

/** Each counted call becomes a call that is read; more of them would take minutes. */
export const MAX_COUNTED_CALLS = 100_000_000;

/** Limits for spoilt times: Prometheus answers with at most 11,000 points for each series. */
const MAX_STEPS = 1_000_000;
export const MAX_SPAN_DAYS = 400;

/** Sums the increments of counters, by step and group. The input is ordered by series, not by time. */
export class Steps {
  readonly #groups = new Map<string, StepGroup>();
  #origin = Number.NaN;
  stepMs = 0;
  length = 0;
  resets = 0;
  #calls = 0;

  get groups(): Iterable<StepGroup> {
    return this.#groups.values();
  }

  startOf(step: number): number {
    return this.#origin + step * this.stepMs;
  }

  /** @returns `rate` when the values are not those of a counter, `excess` when there are too many calls or steps. */
  add(labels: StepLabels, points: readonly (readonly [number, number])[]): 'counter' | 'rate' | 'excess' {
    // Prometheus answers in the order of time; a point that is not later than the one before it is spoilt.
    let latest = Number.NEGATIVE_INFINITY;
    const known = points.filter(([at, value]) => {
      if (Number.isNaN(value) || !(at > latest)) return false;
      latest = at;
      return true;
    });
    if (looksLikeRate(known)) return 'rate';
    if (known.length < 2) return 'counter';
    // Gaps cause longer distances, so the shortest one is the step of the query.
    if (this.stepMs === 0) this.stepMs = shortest(known);
    if (Number.isNaN(this.#origin)) this.#origin = known[0]![0];
    const earlier = Math.max(0, Math.round((this.#origin - known[0]![0]) / this.stepMs));
    if (!this.#holds(this.length + earlier)) return 'excess';
    if (earlier > 0) this.#shift(earlier);
    const group = this.#group(labels);
    for (let at = 1; at < known.length; at++) {
      const [[from, before], [to, now]] = [known[at - 1]!, known[at]!];
      if (now < before) this.resets++;
      const increment = now < before ? now : now - before;
      const first = Math.round((from - this.#origin) / this.stepMs);
      const last = Math.max(first + 1, Math.round((to - this.#origin) / this.stepMs));
      this.#calls += increment;
      if (!(this.#calls <= MAX_COUNTED_CALLS) || !this.#holds(last)) return 'excess';
      this.#spread(group, first, last, Math.round(increment));
    }
    return 'counter';
  }

  /** False for NaN and infinity too, which spoilt times lead to. */
  #holds(steps: number): boolean {
    return steps <= MAX_STEPS && steps * this.stepMs <= MAX_SPAN_DAYS * 86_400_000;
  }

  #group(labels: StepLabels): StepGroup {
    const key = JSON.stringify([labels.breaker, labels.instance, labels.code, labels.outcome]);
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { ...labels, counts: new Float64Array(this.length) };
      this.#groups.set(key, group);
    }
    return group;
  }

  /** Distributes an increment evenly over the steps from `first` to `last`, several of them after a gap. */
  #spread(group: StepGroup, first: number, last: number, increment: number): void {
    if (group.counts.length < last) {
      const grown = new Float64Array(Math.max(last, group.counts.length * 2));
      grown.set(group.counts);
      group.counts = grown;
    }
    this.length = Math.max(this.length, last);
    const steps = last - first;
    for (let step = 0; step < steps; step++) {
      group.counts[first + step]! +=
        Math.floor(((step + 1) * increment) / steps) - Math.floor((step * increment) / steps);
    }
  }

  /** Makes room for a series that starts earlier than the previous ones. */
  #shift(steps: number): void {
    for (const group of this.#groups.values()) {
      const moved = new Float64Array(group.counts.length + steps);
      moved.set(group.counts, steps);
      group.counts = moved;
    }
    this.#origin -= steps * this.stepMs;
    this.length += steps;
  }
}

/** Whether values are those of a counter: integers that decrease only at a restart, to almost zero. */
function looksLikeRate(points: readonly (readonly [number, number])[]): boolean {
  const values = points.map(([, value]) => value);
  const fractions = values.filter((value) => !Number.isInteger(value)).length;
  return (
    values.length > 0 &&
    fractions > values.length * 0.1 &&
    values.some((value, at) => at > 0 && value < values[at - 1]!)
  );
}

function shortest(points: readonly (readonly [number, number])[]): number {
  let least = Number.POSITIVE_INFINITY;
  for (let at = 1; at < points.length; at++) least = Math.min(least, points[at]![0] - points[at - 1]![0]);
  return Math.max(1, least);
}
