/**
 * How many different policies and functions each measurement uses, so that no engine can fit its code to one. A power
 * of two.
 */
const KINDS = 8;

export const CASES = [
  'closed',
  'closed, exact clock',
  'closed, recording off',
  'closed, recording on',
  'enter and succeed',
  'timeout, signal unused',
  'timeout, signal used',
  'retry configured, unused',
  'concurrency, fixed',
  'concurrency, adaptive',
  '1,000 in flight',
  'sync',
  'failing, 1k samples',
  'failing, 10k samples',
  'failing, 100k samples',
  'rejected',
  'rejected, with a fallback',
  'enter, null',
  'a unary call of gRPC',
  'gRPC interceptor',
] as const;
export type CaseName = (typeof CASES)[number];

/** Makes so many calls. */
export type Batch = (calls: number) => Promise<void>;

/** Gets a case ready; absent for what a library has not. The breakers live until `end`. */
export interface Subject {
  readonly run: Batch;
  end?(): void;
}

/** One library, or the bare calls that everything is compared with. */
export interface Library {
  readonly name: string;
  readonly cases: Partial<Record<CaseName, () => Subject | Promise<Subject | undefined>>>;
  /** Makes a breaker with the policy of the memory budget and uses it; whatever it gives back is kept alive. */
  readonly makeAndUse?: (i: number) => Promise<unknown>;
}

const failure = new Error('the dependency is down');

/** Eight functions that differ, as the functions of a program do. */
export const functions: readonly (() => Promise<number>)[] = [
  async () => 0,
  async () => 1,
  async () => 2,
  async () => 3,
  async () => 4,
  async () => 5,
  async () => 6,
  async () => 7,
];

export const failing: readonly (() => Promise<number>)[] = Array.from({ length: KINDS }, () => async () => {
  throw failure;
});

export const ignore = (): void => {};

export const fill = <T>(make: (kind: number) => T): T[] => Array.from({ length: KINDS }, (_, kind) => make(kind));

export function at<T>(list: readonly T[], i: number): T {
  return list[i & (KINDS - 1)]!;
}

let loops = 0;

/**
 * Calls one after the other. The loop is compiled again for each subject: one loop for all would be slowed by the
 * number of its users, which hides differences.
 */
export function oneByOne(call: (i: number) => unknown): Batch {
  const text = `return async (calls) => { for (let i = 0; i < calls; i++) await call(i); }; // ${loops++}`;
  return new Function('call', text)(call) as Batch;
}

/** Calls that end before the next one begins. */
export function synchronously(call: (i: number) => number): Batch {
  const text = `let sum = 0; return async (calls) => { for (let i = 0; i < calls; i++) sum += call(i); return sum; }; // ${loops++}`;
  return new Function('call', text)(call) as Batch;
}

/** Begins all of a batch before any of it can end. */
export function allAtOnce(call: (i: number, wait: () => Promise<number>) => PromiseLike<unknown>): Batch {
  return async (calls) => {
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    const wait = async (): Promise<number> => {
      await gate;
      return 1;
    };
    const running: PromiseLike<unknown>[] = [];
    for (let i = 0; i < calls; i++) running.push(call(i, wait));
    open();
    await Promise.all(running);
  };
}
