import { createInterface } from 'node:readline';
import type { GovernedBreaker } from '../../agent/src/breakers/governed-breaker.ts';
import { Overrides } from '../../agent/src/breakers/overrides.ts';
import type { Deadline } from '../../agent/src/core/layers/timeout.ts';
import { createBreaker, FakeClock, type TestBreaker } from '../../agent/src/testing/testing.ts';
import { CallRunner } from './call-runner.ts';
import { errorOf, type Outcome, responseOf } from './outcome.ts';

/** One case: a policy, and what happens to its breaker. */
interface Case {
  readonly policy: object;
  readonly seed: number;
  readonly steps: readonly Step[];
}

type Step = readonly [name: string, ...args: never[]];

interface GivenOverride {
  name: string;
  action: 'ForceOpen' | 'ForceClosed' | 'Reset';
  reason: string;
  createdAt: number;
  lastsMs: number;
}

interface Permit {
  succeed(): void;
  fail(error?: unknown): void;
  ignore(): void;
}

const WALL_AT_START = Date.parse('2026-01-01T00:00:00Z');

/** Knows when something is due. */
class SteppedClock extends FakeClock {
  readonly #waiting = new Set<Deadline>();

  /** When the next deadline is due; infinity: there is none. */
  get nextDue(): number {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { dueAt } of this.#waiting) earliest = Math.min(earliest, dueAt);
    return earliest;
  }

  override add(deadline: Deadline, ms: number): void {
    super.add(deadline, ms);
    this.#waiting.add(deadline);
  }

  override remove(deadline: Deadline): void {
    super.remove(deadline);
    this.#waiting.delete(deadline);
  }

  override advance(ms: number): void {
    super.advance(ms);
    for (const each of this.#waiting) if (each.dueAt <= this.now()) this.#waiting.delete(each);
  }
}

/** Runs one case through the core of the Node agent and notes what is to be seen after each step. */
class Run {
  readonly #clock = new SteppedClock();
  readonly #breaker: TestBreaker;
  readonly #calls: CallRunner;
  readonly #overrides = new Overrides();
  readonly #permits = new Map<number, Permit | null>();
  #events: unknown[] = [];
  #seed: number;
  #draws = 0;

  constructor({ policy, seed }: Case) {
    this.#seed = seed;
    this.#breaker = createBreaker(policy, {
      clock: this.#clock,
      random: () => this.#draw(),
      wallNow: () => WALL_AT_START + this.#clock.now(),
    });
    this.#calls = new CallRunner();
    // Retries read the clock of the process.
    Date.now = () => WALL_AT_START + this.#clock.now();
    this.#breaker.on('transition', ({ lastError: _, ...event }) => this.#events.push(event));
  }

  /** Numbers that a seed decides, the same in every language: Park and Miller's generator. */
  #draw(): number {
    this.#draws++;
    this.#seed = (this.#seed * 16_807) % 2_147_483_647;
    return this.#seed / 2_147_483_647;
  }

  async all(steps: readonly Step[]): Promise<unknown[]> {
    const seen: unknown[] = [];
    for (const [name, ...args] of steps) {
      const said = await this.#act(name, args);
      seen.push(said === undefined ? null : said);
    }
    return seen;
  }

  #of(key: string | null): TestBreaker {
    return key === null ? this.#breaker : (this.#breaker.for(key) as TestBreaker);
  }

  async #act(name: string, args: readonly unknown[]): Promise<unknown> {
    switch (name) {
      case 'advance':
        return this.#advance(args[0] as number);
      case 'stall':
        this.#clock.stall(Math.min(args[0] as number, Math.max(0, this.#clock.nextDue - this.#clock.now())));
        return this.#calls.isUsed ? this.#calls.settle() : undefined;
      case 'begin': {
        const permit = this.#of(args[1] as string | null).enter();
        this.#permits.set(args[0] as number, permit);
        return permit !== null;
      }
      case 'end':
        return end(this.#permits.get(args[0] as number) ?? null, args[1] as Outcome);
      case 'call':
        return this.#calls.begin(args[0] as number, this.#of(args[1] as string | null), args[2] as object);
      case 'finish':
        return this.#calls.finish(args[0] as number, args[1] as Outcome);
      case 'abort':
        return this.#calls.abort(args[0] as number);
      case 'edit':
        try {
          this.#breaker.apply(args[0] as object);
          return this.#calls.isUsed ? this.#calls.settle() : undefined;
        } catch (error) {
          return (error as Error).message;
        }
      case 'forceOpen':
      case 'forceClosed':
        return this.#of(args[2] as string | null)[name]({ for: args[0] as string, reason: args[1] as string });
      case 'reset':
        return this.#of(args[0] as string | null).reset();
      case 'overrides':
        return this.#override(args[0] as GivenOverride[]);
      case 'classify': {
        const { circuit } = this.#breaker as unknown as GovernedBreaker;
        const outcome = args[0] as Outcome;
        const response = responseOf(outcome);
        return response === undefined ? circuit.classifyError(errorOf(outcome)) : circuit.classifyResult(response);
      }
      case 'read':
        return this.#read(args[0] as string | null);
      default:
        throw new Error(`no such step: ${name}`);
    }
  }

  /** Where calls last, no step jumps over the end of a wait. */
  async #advance(ms: number): Promise<undefined> {
    const target = this.#clock.now() + ms;
    while (this.#calls.isUsed && this.#clock.nextDue <= target) {
      this.#clock.advance(Math.max(0, this.#clock.nextDue - this.#clock.now()));
      await this.#calls.settle();
    }
    this.#clock.advance(target - this.#clock.now());
    if (this.#calls.isUsed) await this.#calls.settle();
  }

  #override(given: readonly GivenOverride[]): void {
    const now = this.#clock.now();
    const breaker = this.#breaker as unknown as GovernedBreaker;
    const all = given.map(({ lastsMs, ...each }) => ({
      ...each,
      uid: each.name,
      breakers: ['*'],
      expiresAt: 0,
      endsAt: now + lastsMs,
    }));
    const resets = this.#overrides.replaceAll(all, now);
    breaker.applyOverride(this.#overrides.forBreaker(breaker.name));
    for (const reset of resets) breaker.resetFromOverride(reset);
  }

  #read(key: string | null): unknown {
    // What the last error said is a text of each language.
    const { forced, uid, source, lastError, ...stats } = this.#of(key).stats();
    const events = this.#events;
    this.#events = [];
    const own = this.#breaker as unknown as GovernedBreaker;
    const keys = key === null ? own.listedKeys(() => false).map((each) => each.key) : [];
    const held = forced === undefined ? null : { ...forced, override: forced.override?.name ?? null };
    return { ...stats, forced: held, events, keys, draws: this.#draws, ended: this.#calls.ended() };
  }
}

function end(permit: Permit | null, outcome: Outcome): undefined {
  if (outcome === 'success') permit?.succeed();
  else if (outcome === 'ignored') permit?.ignore();
  else if (outcome === 'failed') permit?.fail();
  else permit?.fail(errorOf(outcome));
}

for await (const line of createInterface({ input: process.stdin })) {
  const given = JSON.parse(line) as Case;
  let answer: unknown;
  try {
    answer = await new Run(given).all(given.steps);
  } catch (error) {
    answer = { refused: (error as Error).message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
