/**
 * A service with the real agent in a thread of its own. It calls its breakers all the time and writes down what they
 * ran, what became of each call and how late its event loop was. URL, labels and cache folder come from the
 * environment.
 */
import { existsSync, openSync, readFileSync, writeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { getBreaker, start } from '@fuseboard/agent';
import { monotonic } from '../load/monotonic.ts';
import type { AgentRecord, Labels, View } from './model/records.ts';

/** What a thread is told when it starts. */
export interface Life {
  /** This life; a restart is another one. */
  readonly agent: string;
  readonly service: string;
  readonly namespace: string;
  readonly labels: Labels;
  readonly breakers: readonly string[];
  readonly log: string;
  /** A defect on purpose. */
  readonly plant?: 'I1' | 'I4' | 'I6';
}

type Call = Extract<AgentRecord, { kind: 'call' }>;

const BEAT_MS = 100;
const SCHEDULER = '/proc/thread-self/schedstat';
const BEATS_A_PROBE = 4;
const BEATS_A_MEASUREMENT = 5;
const GREATEST_TRIES = 14;
const STALLING_CALL_MS = 2_000;
const LEAK_BYTES = 8 * 1024 * 1024;

const { agent: life, service, namespace, labels, breakers, log, plant } = workerData as Life;
const speed = Number(process.env.CLOCK_SPEED ?? 1);
const file = openSync(log, 'a');
const write = (record: object) => writeSync(file, `${JSON.stringify({ at: monotonic(), agent: life, ...record })}\n`);
/** Waits by the true clock. */
const after = (ms: number, task: () => void) => setTimeout(task, ms * speed);

class Down extends Error {}

/** How long this thread was ready to run and was not given a core, where the system tells; else 0. */
const tells = existsSync(SCHEDULER);
const waitedMs = () => (tells ? Number(readFileSync(SCHEDULER, 'utf8').split(' ')[1]) / 1e6 : 0);

function view(): View {
  const governed = breakers.flatMap((name) => {
    const policy = getBreaker(name).policy;
    if (policy === undefined) return [];
    const { uid, generation, spec } = policy;
    return [[name, { uid, generation, failures: spec.trip?.consecutiveFailures }] as const];
  });
  return Object.fromEntries(governed);
}

for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
  process.on(event, (error: unknown) => write({ kind: 'uncaught', error: String((error as Error)?.stack ?? error) }));
}
write({ kind: 'born', service, namespace, labels });
const agent = start({ warn: (message) => write({ kind: 'warning', message }) });
const applied = (origin: string) =>
  write({ kind: 'applied', origin, revision: agent.revision ?? 'none', view: view() } satisfies Omit<
    Extract<AgentRecord, { kind: 'applied' }>,
    'at' | 'agent'
  >);
applied(agent.state);
agent.on('applied', ({ origin }) => applied(origin));

const work = (fails: boolean) => async () => {
  await new Promise((resolve) => setImmediate(resolve));
  if (fails) throw new Down();
};

async function timed(run: () => Promise<unknown>): Promise<{ ms: number; outcome: Call['outcome']; error?: string }> {
  const begun = monotonic();
  const ms = () => monotonic() - begun;
  try {
    await run();
    return { ms: ms(), outcome: 'passed' };
  } catch (error) {
    if (error instanceof Down) return { ms: ms(), outcome: 'failed' };
    if ((error as { code?: string }).code === 'ERR_FUSEBOARD_OPEN') return { ms: ms(), outcome: 'rejected' };
    return { ms: ms(), outcome: 'foreign', error: String(error) };
  }
}

async function throughBreaker(name: string, fails: boolean): Promise<unknown> {
  if (plant === 'I4' && agent.state !== 'Live') await new Promise<void>((resolve) => after(STALLING_CALL_MS, resolve));
  return getBreaker(name).execute(work(fails));
}

type Ended = Omit<Call, 'at' | 'agent' | 'lagMs'>;
let ended: Ended[] = [];
let endedBefore: Ended[] = [];

/**
 * One call through the breaker, and the same beside it; written down two beats later, when it is known how late the
 * loop was.
 */
async function call(name: string, fails: boolean): Promise<void> {
  const waitedBefore = waitedMs();
  const { user, system } = process.threadCpuUsage();
  const through = timed(() => throughBreaker(name, fails));
  const after = process.threadCpuUsage();
  const bare = timed(work(fails));
  const [{ ms, outcome, error }, { ms: bareMs }] = await Promise.all([through, bare]);
  const stolenMs = waitedMs() - waitedBefore;
  const cpuMs = (after.user + after.system - user - system) / 1_000;
  ended.push({ kind: 'call', breaker: name, outcome, ...(error && { error }), ms, bareMs, stolenMs, cpuMs });
}

/**
 * Fails until the breaker rejects: by that its policy is known. All in one turn, so that no other set comes between.
 */
function probe(name: string): void {
  const breaker = getBreaker(name);
  breaker.reset();
  let tries = 0;
  let opened: number | undefined;
  while (tries < GREATEST_TRIES && opened === undefined) {
    try {
      const fail = () => {
        throw new Down();
      };
      if (plant === 'I1' && agent.state !== 'Live') fail();
      breaker.executeSync(fail);
    } catch (error) {
      if (error instanceof Down) tries += 1;
      else opened = tries;
    }
  }
  write({ kind: 'probe', breaker: name, tries, ...(opened !== undefined && { opened }) });
}

const leaked: Uint8Array[][] = [];
let due = monotonic();
let beats = 0;
let state = '';
/** How late the loop was at each of the last beats. */
let lags: number[] = [];

function beat(): void {
  const begun = monotonic();
  const lagMs = Math.max(0, begun - due);
  due = begun + BEAT_MS;
  after(BEAT_MS, beat);
  lags = [lagMs, ...lags.slice(0, 3)];
  for (const one of endedBefore) write({ ...one, lagMs: Math.max(...lags) });
  endedBefore = ended;
  ended = [];
  if (agent.state !== state) {
    state = agent.state;
    write({ kind: 'link', state });
  }
  beats += 1;
  const name = breakers[beats % breakers.length]!;
  void call(name, beats % 3 === 0);
  if (beats % BEATS_A_PROBE === 0) probe(breakers[(beats / BEATS_A_PROBE) % breakers.length]!);
  if (beats % BEATS_A_MEASUREMENT === 0) {
    if (plant === 'I6') leaked.push(Array.from({ length: LEAK_BYTES / 64 }, () => new Uint8Array(0)));
    write({ kind: 'memory', heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20) });
  }
}

beat();
// A thread that only waits for its timers would end when its parent does not listen.
parentPort?.on('message', () => {});
parentPort?.postMessage('born');
