export type Outcome = 'success' | 'failure' | 'ignored';

/** What happens to a breaker, one thing after the other. A call that was rejected has an end too; it means nothing. */
export type Step =
  | { readonly do: 'advance'; readonly ms: number }
  /** `draw` is what the breaker draws if it leaves the admission to chance. */
  | { readonly do: 'begin'; readonly call: number; readonly draw: number }
  /** `attempts` are the outcomes of each try, the last of them the call's. */
  | { readonly do: 'end'; readonly call: number; readonly outcome: Outcome; readonly attempts?: readonly Outcome[] };

/** What a breaker shows after a step. */
export interface Observation {
  /** What became of the call that began; `waiting` is neither called nor rejected so far. */
  readonly admission?: 'admitted' | 'rejected' | 'waiting';
  readonly state: 'closed' | 'open' | 'half-open';
  /** The calls and failures that the breaker itself says it counts. */
  readonly calls: number;
  readonly failures: number;
  /** aiomisc: calls and failures of each bucket, and the share of buckets at or over its ratio. */
  readonly buckets?: readonly (readonly [calls: number, failures: number])[];
  readonly ratio?: number;
}

export interface Shape {
  readonly steps: number;
  /** How many calls may be under way at once. */
  readonly overlap: number;
  /** How long the breaker stays open. */
  readonly openMs: number;
  /** Every wait is a multiple of this. Absent: 125 ms, which a binary fraction of a second holds exactly. */
  readonly tickMs?: number;
  /** Of 100 calls, how many end with an error that is to be ignored. Absent: 8. */
  readonly ignoredPercent?: number;
  /** Begins with one failing call in each of so many ticks. Absent: 0. */
  readonly failFirst?: number;
  /** How many tries a failing call makes. Absent: 1. */
  readonly attempts?: number;
}

/**
 * Makes the same sequence from the same seed: bursts of health and of outage, calls side by side, waits about the open
 * time.
 */
export function sequence(seed: number, { steps, overlap, openMs, tickMs = 125, ...shape }: Shape): Step[] {
  const random = mulberry32(seed);
  const below = (bound: number) => Math.floor(random() * bound);
  const pick = <T>(choices: readonly T[]): T => choices[below(choices.length)]!;
  const made: Step[] = [];
  const running: number[] = [];
  let call = 1;
  for (; call <= (shape.failFirst ?? 0); call++) {
    if (call > 1) made.push({ do: 'advance', ms: tickMs });
    made.push({ do: 'begin', call, draw: 0 }, { do: 'end', call, outcome: 'failure' });
  }
  let failing = 0.5;
  while (made.length < steps) {
    if (random() < 0.05) failing = pick([0, 0.1, 0.5, 0.9, 1]);
    const move = random();
    if (move < 0.2) {
      const near = pick([openMs, openMs - tickMs, openMs + tickMs, 10 * openMs]);
      made.push({ do: 'advance', ms: random() < 0.25 ? near : tickMs * (1 + below(4)) });
    } else if (running.length > 0 && (move < 0.6 || running.length === overlap)) {
      const [ended] = running.splice(below(running.length), 1);
      const ignored = random() * 100 < (shape.ignoredPercent ?? 8);
      const outcome = ignored ? 'ignored' : random() < failing ? 'failure' : 'success';
      made.push({ do: 'end', call: ended!, outcome, ...triesOf(outcome, shape.attempts ?? 1, below) });
    } else {
      made.push({ do: 'begin', call, draw: below(1024) / 1024 });
      running.push(call++);
    }
  }
  for (const call of running)
    made.push({ do: 'end', call, outcome: 'success', ...triesOf('success', shape.attempts ?? 1, below) });
  return made;
}

function triesOf(outcome: Outcome, most: number, below: (bound: number) => number): { attempts?: Outcome[] } {
  if (most === 1) return {};
  const before = outcome === 'failure' ? most - 1 : below(most);
  return { attempts: [...Array<Outcome>(before).fill('failure'), outcome] };
}

/** Tommy Ettinger's mulberry32: 32 bits of state are enough to repeat a sequence. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
