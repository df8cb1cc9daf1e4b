import { type Batch, CASES, type CaseName, type Library } from './subject.ts';

/** A macrotask after so many calls lets timers run, so that clocks move and windows rotate. */
const TURN = 1_000;
const MOST_CALLS = 40_000;
const ROUND_MS = 20;

export interface Measured {
  readonly name: CaseName;
  readonly library: string;
  readonly nsPerOp: { readonly min: number; readonly median: number };
  /** Minimum to minimum of the bare call; for the bare call itself 1. */
  readonly ratio: number;
}

const now = (): number => Number(process.hrtime.bigint());
const turn = (): Promise<unknown> => new Promise(setImmediate);

async function nsPerCall(run: Batch, calls: number): Promise<number> {
  let spent = 0;
  for (let left = calls; left > 0; left -= TURN) {
    const begun = now();
    await run(Math.min(TURN, left));
    spent += now() - begun;
    await turn();
  }
  return spent / calls;
}

/** How many calls fill a round, after enough of them for the engine to have compiled what it will. */
async function callsInRound(run: Batch): Promise<number> {
  const deadline = now() + 10 * ROUND_MS * 1e6;
  let ns = 0;
  let calls = 1;
  while (now() < deadline) {
    ns = await nsPerCall(run, calls);
    calls = Math.max(1, Math.min(MOST_CALLS, calls * 10, Math.floor((ROUND_MS * 1e6) / ns)));
  }
  return calls >= TURN ? Math.floor(calls / TURN) * TURN : calls;
}

/**
 * Measures cases in alternating rounds, so that whatever disturbs the machine meets all alike; the least of many short
 * rounds is what the code costs when nothing disturbs it.
 */
export async function measure(
  libraries: readonly Library[],
  wanted: (name: CaseName) => boolean,
  rounds: number,
  say: (line: string) => void,
): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (const name of CASES.filter(wanted)) {
    const running: { library: string; run: Batch; calls: number; ns: number[]; end(): void }[] = [];
    for (const library of libraries) {
      const subject = await library.cases[name]?.();
      if (subject === undefined) continue;
      const { run, end = () => {} } = subject;
      running.push({ library: library.name, run, calls: await callsInRound(run), ns: [], end });
    }
    for (let round = 0; round < rounds; round++) {
      for (const each of running) each.ns.push(await nsPerCall(each.run, each.calls));
    }
    const bare = Math.min(...running.find(({ library }) => library === 'bare')!.ns);
    for (const { library, ns, end } of running) {
      end();
      const sorted = ns.sort((a, b) => a - b);
      const min = sorted[0]!;
      const ratio = min / bare;
      measured.push({ name, library, nsPerOp: { min, median: sorted[sorted.length >> 1]! }, ratio });
      say(
        `${name.padEnd(26)} ${library.padEnd(10)} ${min.toFixed(1).padStart(11)} ns ${ratio.toFixed(2).padStart(9)} x`,
      );
    }
  }
  return measured;
}
