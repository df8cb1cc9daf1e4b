/**
 * What a call through a breaker costs, as a ratio to the same call without one: `npm run bench`. Alternating rounds on
 * one machine, the least of each kind; eight breakers with different policies around eight functions; a macrotask every
 * thousand calls, so that windows move on and timers run.
 */
import { type Breaker, GovernedBreaker } from '../src/breaker.ts';
import { governorOf, type PolicyDefaults } from '../src/registry.ts';
import { Ticker } from '../src/ticker.ts';

const KINDS = 8;
const CALLS = 40_000;
const ROUNDS = 12;
const YIELD_EVERY = 1_000;

/** Makes so many calls, one after the other. */
type Batch = (calls: number) => Promise<void>;

interface Subject {
  readonly name: string;
  /** What it is compared with. */
  readonly bare: Batch;
  readonly run: Batch;
}

const each =
  (call: (i: number) => Promise<unknown>): Batch =>
  async (calls) => {
    for (let i = 0; i < calls; i++) await call(i);
  };

const ticker = new Ticker();
const functions = Array.from({ length: KINDS }, (_, kind) => {
  const made = { [`call${kind}`]: async (): Promise<number> => kind };
  return made[`call${kind}`]!;
});
const failure = new Error('the other side is down');
const failing = Array.from({ length: KINDS }, () => async (): Promise<number> => {
  throw failure;
});

const breakers = (policy: (kind: number) => PolicyDefaults): Breaker[] =>
  Array.from(
    { length: KINDS },
    (_, kind) =>
      new GovernedBreaker(`b${kind}`, governorOf(`b${kind}`, policy(kind)), { clock: ticker, timeouts: ticker }),
  );

const window = (kind: number) =>
  kind % 2 === 0
    ? ({ type: 'Time', duration: `${kind + 1}s` } as const)
    : ({ type: 'Count', size: 100 * (kind + 1) } as const);
const everything = (kind: number): PolicyDefaults => ({
  trip: {
    window: window(kind),
    minimumCalls: 10 + kind,
    failureRate: { thresholdPercent: 50 + kind },
    consecutiveFailures: 5 + kind,
  },
  recovery: { openDuration: '30s' },
});

const closed = breakers(everything);
const timed = breakers((kind) => ({ ...everything(kind), timeout: { duration: `${kind + 2}s` } }));
const retrying = breakers((kind) => ({ ...everything(kind), retry: { maxAttempts: 3 } }));
const limiting = breakers((kind) => ({ ...everything(kind), concurrency: { maxConcurrent: 100 } }));
const surviving = breakers((kind) => ({ trip: { window: window(kind), consecutiveFailures: 1_000_000 } }));
const open = breakers((kind) => ({ ...everything(kind), recovery: { openDuration: '24h' } }));
for (const breaker of open) for (let i = 0; i < 20; i++) breaker.enter()?.fail();

const at = <T>(list: readonly T[], i: number): T => list[i & (KINDS - 1)]!;
const ignore = (): void => {};
const bare = each((i) => at(functions, i)());
const bareFailing = each((i) => at(failing, i)().catch(ignore));

const subjects: Subject[] = [
  {
    name: 'enter and succeed',
    bare,
    run: async (calls) => {
      for (let i = 0; i < calls; i++) {
        const permit = at(closed, i).enter();
        await at(functions, i)();
        permit?.succeed();
      }
    },
  },
  { name: 'execute, closed', bare, run: each((i) => at(closed, i).execute(at(functions, i))) },
  { name: 'execute, timeout, signal unused', bare, run: each((i) => at(timed, i).execute(at(functions, i))) },
  {
    name: 'execute, timeout, signal used',
    bare,
    run: each((i) => at(timed, i).execute(({ signal }) => (signal.aborted ? undefined : at(functions, i)()))),
  },
  { name: 'execute, retry configured', bare, run: each((i) => at(retrying, i).execute(at(functions, i))) },
  { name: 'execute, limit configured', bare, run: each((i) => at(limiting, i).execute(at(functions, i))) },
  {
    name: 'execute, failing',
    bare: bareFailing,
    run: each((i) => at(surviving, i).execute(at(failing, i)).catch(ignore)),
  },
  {
    name: 'execute, rejected',
    bare: bareFailing,
    run: each((i) => at(open, i).execute(at(functions, i)).catch(ignore)),
  },
  {
    name: 'execute, rejected, with a fallback',
    bare: bareFailing,
    run: each((i) => at(open, i).execute(at(functions, i), { fallback: ignore })),
  },
  {
    name: 'enter, null',
    bare: bareFailing,
    run: async (calls) => {
      for (let i = 0; i < calls; i++)
        if (at(open, i).enter() !== null) throw new Error('an open breaker admitted a call');
    },
  },
];

async function nsPerCall(run: Batch): Promise<number> {
  let spent = 0;
  for (let done = 0; done < CALLS; done += YIELD_EVERY) {
    const begun = process.hrtime.bigint();
    await run(YIELD_EVERY);
    spent += Number(process.hrtime.bigint() - begun);
    await new Promise(setImmediate);
  }
  return spent / CALLS;
}

console.log(`Node ${process.versions.node}; ns per awaited call, least of ${ROUNDS} rounds`);
for (const { name, bare, run } of subjects) {
  let [least, leastBare] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let round = 0; round < ROUNDS; round++) {
    leastBare = Math.min(leastBare, await nsPerCall(bare));
    least = Math.min(least, await nsPerCall(run));
  }
  const ratio = (least / leastBare).toFixed(2);
  console.log(
    `${name.padEnd(36)} ${least.toFixed(0).padStart(6)} ns  ${ratio.padStart(6)} x  (bare ${leastBare.toFixed(0)} ns)`,
  );
}
