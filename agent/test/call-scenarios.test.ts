import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { PolicyDefaults } from '../src/breakers/registry.ts';
import { fuseboardErrorOf } from '../src/errors/errors.ts';
import { createBreaker, FakeClock } from '../src/testing/testing.ts';

type Outcome =
  | 'success'
  | 'failure'
  | 'rejection'
  | 'caused-by-rejection'
  | { throws: { status: number; headers?: Record<string, string> } }
  | { returns: { status: number } };
type End = string | { answer: unknown };

interface Step {
  at: number;
  begin?: string[];
  end?: { calls: string[]; outcome: Outcome };
  abort?: string[];
  edit?: PolicyDefaults;
  expect?: {
    attempts?: Record<string, number>;
    ended?: Record<string, End>;
    state?: string;
    totals?: Record<string, number>;
  };
}
interface Scenario {
  title: string;
  policy: PolicyDefaults;
  policyFallback?: string;
  steps: Step[];
}

const folder = new URL('../../crds/schema/scenarios/calls/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

describe('every scenario of calls', () => {
  it('is there', () => {
    expect(files.length).toBeGreaterThanOrEqual(20);
  });
  for (const file of files) {
    const scenario = parse(readFileSync(new URL(file, folder), 'utf8')) as Scenario;
    it(`${file}: ${scenario.title}`, () => replay(scenario));
  }
});

interface Call {
  attempts: number;
  readonly running: ((outcome: Outcome) => void)[];
  readonly caller: AbortController;
}

async function replay({ policy, policyFallback, steps }: Scenario): Promise<void> {
  const clock = new FakeClock();
  const breaker = createBreaker(policy, { clock });
  const rejection = await rejectionByAnother();
  const calls = new Map<string, Call>();
  let ended: Record<string, End> = {};

  const begin = (name: string) => {
    const call: Call = { attempts: 0, running: [], caller: new AbortController() };
    calls.set(name, call);
    const results = new Set<unknown>();
    const fn = () => {
      call.attempts++;
      return new Promise<unknown>((resolve, reject) => {
        call.running.push((outcome) => {
          if (outcome === 'failure') reject(new Error('down'));
          else if (outcome === 'rejection') reject(rejection);
          else if (outcome === 'caused-by-rejection') reject(new Error('down', { cause: rejection }));
          else if (outcome !== 'success' && 'throws' in outcome)
            reject(Object.assign(new Error('down'), outcome.throws));
          else {
            const result = outcome === 'success' ? 'fine' : new Response(null, outcome.returns);
            results.add(result);
            resolve(result);
          }
        });
      });
    };
    const leave =
      policyFallback === undefined ? {} : { policyFallback: { key: policyFallback, parse: (v: unknown) => v } };
    breaker.execute<unknown, unknown>(fn, { signal: call.caller.signal, ...leave }).then(
      (value) => {
        ended[name] = results.has(value) ? 'returned' : { answer: value };
      },
      (error) => {
        const { aborted, reason } = call.caller.signal;
        const own = fuseboardErrorOf(error);
        ended[name] =
          own !== undefined && own === error ? own.code : aborted && error === reason ? 'given-up' : 'failed';
      },
    );
  };

  for (const [i, step] of steps.entries()) {
    ended = {};
    clock.advance(step.at - clock.now());
    await flushPromises();
    for (const name of step.begin ?? []) begin(name);
    for (const name of step.end?.calls ?? []) calls.get(name)!.running.shift()!(step.end!.outcome);
    for (const name of step.abort ?? []) calls.get(name)!.caller.abort();
    if (step.edit !== undefined) breaker.apply(step.edit);
    await flushPromises();
    const { attempts = {}, totals = {}, state, ended: expected = {} } = step.expect ?? {};
    const stats = breaker.stats();
    const found = {
      attempts: Object.fromEntries(Object.keys(attempts).map((name) => [name, calls.get(name)!.attempts])),
      totals: Object.fromEntries(
        Object.keys(totals).map((name) => [name, stats.totals[name as keyof typeof stats.totals]]),
      ),
      ...(state === undefined ? {} : { state: stats.state }),
      ended,
    };
    expect({ step: i, ...found }).toEqual({
      step: i,
      attempts,
      totals,
      ...(state === undefined ? {} : { state }),
      ended: expected,
    });
  }
}

/** The error with which another breaker rejects a call. */
function rejectionByAnother(): Promise<unknown> {
  const other = createBreaker({}, { clock: new FakeClock() });
  other.forceOpen({ for: '1s', reason: 'of the test' });
  return other.execute(async () => {}).catch((error: unknown) => error);
}

/** Lets every promise that can settle do so. */
function flushPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
