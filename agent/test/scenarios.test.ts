import { readdirSync, readFileSync } from 'node:fs';
import { parseDuration } from '@fuseboard/schema/duration';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { ForceOptions, State, TransitionEvent } from '../src/breakers/breaker.ts';
import type { GovernedBreaker } from '../src/breakers/governed-breaker.ts';
import { type Override, Overrides } from '../src/breakers/overrides.ts';
import type { PolicyDefaults } from '../src/breakers/registry.ts';
import { createBreaker, FakeClock, type TestBreaker } from '../src/testing/testing.ts';

interface Thrown {
  classes?: string[];
  name?: string;
  code?: unknown;
  status?: number;
  statusCode?: number;
  headers?: Record<string, string>;
  responseStatus?: number;
  responseHeaders?: Record<string, string>;
  cause?: Thrown;
}
type Outcome =
  | 'success'
  | 'failure'
  | 'ignored'
  | { throws: Thrown }
  | { returns: { status: number; headers?: Record<string, string> | null } };

interface ScenarioOverride {
  name: string;
  action: Override['action'];
  for: string;
  reason: string;
  createdAt?: number;
}

interface Step {
  at: number;
  stall?: boolean;
  calls?: { outcome: Outcome; times?: number; lastingMs?: number };
  begin?: string[];
  end?: { calls: string[]; outcome: Outcome };
  edit?: PolicyDefaults;
  wallClock?: string;
  forceOpen?: ForceOptions;
  forceClosed?: ForceOptions;
  reset?: true;
  overrides?: ScenarioOverride[];
  expect?: {
    admitted?: number;
    rejected?: number;
    state?: State;
    sinceMs?: number;
    retryAfterMs?: number;
    window?: { calls?: number; failures?: number; slow?: number };
    forced?: { state: 'open' | 'closed'; reason: string; endsInMs: number; override?: string } | null;
    consecutiveFailures?: number;
    totals?: Record<string, number>;
    transitions?: TransitionEvent[];
  };
}
interface Scenario {
  title: string;
  policy: PolicyDefaults;
  random?: number[];
  wallClock?: string;
  steps: Step[];
}

const folder = new URL('../../crds/schema/scenarios/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('every scenario', () => {
  it('is there', () => {
    expect(files.length).toBeGreaterThanOrEqual(115);
  });
  for (const file of files) {
    const scenario = parse(readFileSync(new URL(file, folder), 'utf8')) as Scenario;
    it(`${file}: ${scenario.title}`, () => new Replay(scenario).run());
  }
});

interface RunningCall {
  end(outcome: Outcome): void;
}

class Replay {
  readonly #clock = new FakeClock();
  readonly #scenario: Scenario;
  readonly #breaker: TestBreaker;
  readonly #overrides = new Overrides();
  /** When each override ends. */
  readonly #ends = new Map<string, number>();
  readonly #running = new Map<string, RunningCall>();
  readonly #random: number[];
  #wallAtStart: number;
  #transitions: TransitionEvent[] = [];
  #admitted = 0;
  #attempted = 0;

  constructor(scenario: Scenario) {
    this.#scenario = scenario;
    this.#random = [...(scenario.random ?? [])];
    this.#wallAtStart = Date.parse(scenario.wallClock ?? '2026-01-01T00:00:00Z');
    this.#breaker = createBreaker(scenario.policy, {
      clock: this.#clock,
      random: () => this.#draw(),
      wallNow: () => this.#wallAtStart + this.#clock.now(),
    });
    // What an error says is not the same in every language; a scenario says nothing of it.
    this.#breaker.on('transition', ({ lastError: _, ...event }) => this.#transitions.push(event));
  }

  #draw(): number {
    const drawn = this.#random.shift();
    if (drawn === undefined) throw new Error('the scenario has no random number left');
    return drawn;
  }

  async run(): Promise<void> {
    for (const [i, step] of this.#scenario.steps.entries()) {
      const ms = step.at - this.#clock.now();
      if (step.stall) this.#clock.stall(ms);
      else this.#clock.advance(ms);
      await flushPromises();
      this.#admitted = 0;
      this.#attempted = 0;
      await this.#act(step);
      await flushPromises();
      this.#compare(i, step);
      this.#transitions = [];
    }
    expect({ randomNumbersLeft: this.#random }).toEqual({ randomNumbersLeft: [] });
  }

  async #act({ calls, begin, end, ...step }: Step): Promise<void> {
    for (let i = 0; calls !== undefined && i < (calls.times ?? 1); i++) {
      const before = this.#admitted;
      const call = this.#begin();
      if (this.#admitted > before) this.#clock.advance(calls.lastingMs ?? 0);
      call.end(calls.outcome);
      await flushPromises();
    }
    for (const name of begin ?? []) this.#running.set(name, this.#begin());
    for (const name of end?.calls ?? []) this.#running.get(name)!.end(end!.outcome);
    if (step.edit !== undefined) this.#breaker.apply(step.edit);
    if (step.forceOpen !== undefined) this.#breaker.forceOpen(step.forceOpen);
    if (step.forceClosed !== undefined) this.#breaker.forceClosed(step.forceClosed);
    if (step.reset) this.#breaker.reset();
    if (step.overrides !== undefined) this.#override(step.overrides);
    if (step.wallClock !== undefined) this.#wallAtStart = Date.parse(step.wallClock) - this.#clock.now();
  }

  #override(given: ScenarioOverride[]): void {
    const now = this.#clock.now();
    const breaker = this.#breaker as unknown as GovernedBreaker;
    const all = given.map(({ name, action, for: duration, reason, createdAt = 0 }) => {
      const endsAt = this.#ends.get(name) ?? now + parseDuration(duration)!;
      this.#ends.set(name, endsAt);
      return { uid: name, name, breakers: ['*'], action, reason, createdAt, expiresAt: 0, endsAt };
    });
    const resets = this.#overrides.replaceAll(all, now);
    breaker.applyOverride(this.#overrides.forBreaker(breaker.name));
    for (const reset of resets) breaker.resetFromOverride(reset);
  }

  #begin(): RunningCall {
    const { promise, resolve, reject } = withResolvers();
    const caller = new AbortController();
    this.#attempted++;
    this.#breaker
      .execute(
        () => {
          this.#admitted++;
          return promise;
        },
        { signal: caller.signal },
      )
      .catch(() => {});
    promise.catch(() => {});
    return {
      end(outcome) {
        if (outcome === 'success') resolve('fine');
        else if (outcome === 'failure') reject(new Error('down'));
        else if (outcome === 'ignored') {
          caller.abort();
          reject(caller.signal.reason);
        } else if ('returns' in outcome) resolve(answerLike(outcome.returns));
        else reject(errorLike(outcome.throws));
      },
    };
  }

  #compare(index: number, step: Step): void {
    const { admitted, rejected, totals, transitions, window, forced, ...seen } = step.expect ?? {};
    const stats = this.#breaker.stats();
    const expected = {
      ...seen,
      admitted: admitted ?? this.#attempted - (rejected ?? 0),
      rejected: rejected ?? this.#attempted - (admitted ?? this.#attempted),
      totals: totals ?? {},
      window: window ?? {},
      ...(forced === undefined ? {} : { forced }),
      ...(transitions === undefined ? {} : { transitions }),
    };
    const found = {
      ...pick(stats, Object.keys(seen)),
      admitted: this.#admitted,
      rejected: this.#attempted - this.#admitted,
      totals: pick(stats.totals, Object.keys(totals ?? {})),
      window: pick(stats.window, Object.keys(window ?? {})),
      ...(forced === undefined ? {} : { forced: shown(stats.forced) }),
      ...(transitions === undefined ? {} : { transitions: this.#transitions }),
    };
    expect({ step: index, ...found }).toEqual({ step: index, ...expected });
  }
}

const shown = (forced: ReturnType<TestBreaker['stats']>['forced']) =>
  forced === undefined ? null : { ...forced, override: forced.override?.name };

/** Lets every promise that can settle do so. */
function flushPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function withResolvers() {
  let resolve!: (value: unknown) => void;
  let reject!: (error: unknown) => void;
  const promise = new Promise<unknown>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}

function answerLike({ status, headers }: { status: number; headers?: Record<string, string> | null }): unknown {
  return headers === null ? { status } : new Response(null, { status, ...(headers ? { headers } : {}) });
}

function errorLike({ classes = [], responseStatus, responseHeaders, cause, ...fields }: Thrown): Error {
  let type: ErrorConstructor = Error;
  for (const name of classes) type = { [name]: class extends type {} }[name] as unknown as ErrorConstructor;
  const response =
    responseStatus === undefined ? {} : { response: { status: responseStatus, headers: responseHeaders ?? {} } };
  return Object.assign(new type('down', cause && { cause: errorLike(cause) }), fields, response);
}

function pick(from: object, names: string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (from as Record<string, unknown>)[name]]));
}
