import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../test/config-of.ts';
import { Circuit } from './circuit.ts';
import type { TransitionEvent } from './state.ts';

function make(spec: object) {
  const clock = { time: 0, now: () => clock.time };
  const received: TransitionEvent[] = [];
  const transitioned = (event: TransitionEvent) => void received.push(event);
  const circuit = new Circuit(configOf(spec), { clock, random: () => 0, wallNow: () => 0, transitioned });
  return { clock, received, circuit, states: () => received.map(({ to }) => to) };
}

describe('an expired open circuit becomes half-open', () => {
  it('at the next call', () => {
    const { circuit, clock, states } = make({ trip: { consecutiveFailures: 1 } });
    circuit.enter()!.fail();
    expect(states()).toEqual(['open']);
    clock.time = 30_000;
    circuit.enter();
    expect(states()).toEqual(['open', 'half-open']);
  });

  it('with an edit that shortens its time', () => {
    const { circuit, clock, states } = make({ trip: { consecutiveFailures: 1 } });
    circuit.enter()!.fail();
    clock.time = 10_000;
    circuit.configure(configOf({ recovery: { openDuration: '5s' } }), false);
    expect(states()).toEqual(['open', 'half-open']);
  });

  it('when retryAfterMs is read', () => {
    const { circuit, clock, states } = make({ trip: { consecutiveFailures: 1 } });
    circuit.enter()!.fail();
    clock.time = 29_999;
    expect(circuit.retryAfterMs).toBe(1);
    clock.time = 31_000;
    expect(circuit.retryAfterMs).toBe(0);
    expect(circuit.sinceMs).toBe(1_000);
    expect(states()).toEqual(['open', 'half-open']);
  });
});

describe('a breaker', () => {
  it('counts how long calls took, however they ended', () => {
    const { circuit, clock } = make({});
    for (const [ms, end] of [
      [0, 'succeed'],
      [1, 'fail'],
      [3, 'ignore'],
      [100_000, 'succeed'],
    ] as const) {
      const permit = circuit.enter()!;
      clock.time += ms;
      permit[end]();
    }
    const expected = Array(20).fill(0);
    for (const bucket of [0, 4, 5, 19]) expected[bucket] = 1;
    expect(circuit.latency()).toEqual(expected);
  });

  it('judges its window after an ignored outcome too', () => {
    const { circuit, clock } = make({ trip: { minimumCalls: 5, failureRate: { thresholdPercent: 60 } } });
    for (let i = 0; i < 5; i++) circuit.enter()!.succeed();
    clock.time = 5_000;
    for (let i = 0; i < 5; i++) circuit.enter()!.fail();
    expect(circuit.state).toBe('closed');
    clock.time = 12_000;
    circuit.enter()!.ignore();
    expect(circuit.state).toBe('open');
  });

  it('says how long it has been closed since it was made, to a millisecond', () => {
    const sinceMs = (madeAt: number) => {
      const clock = { time: madeAt, now: () => clock.time };
      const circuit = new Circuit(configOf({}), { clock, random: () => 0, wallNow: () => 0, transitioned() {} });
      clock.time = 1_000_200;
      return circuit.sinceMs;
    };
    expect([1_000_100, 1_000_100.5, 1_000_101, 1_000_050].map(sinceMs)).toEqual([100, 100, 99, 150]);
  });

  it('reads deadlines from the exact time of a clock that has one', () => {
    let exact = 0;
    const lagging = { now: () => Math.floor(exact / 5) * 5, exact: () => exact };
    const host = { clock: lagging, random: () => 0, wallNow: () => 0, transitioned() {} };
    const circuit = new Circuit(configOf({ trip: { consecutiveFailures: 1 } }), host);
    exact = 3;
    circuit.enter()!.fail();
    exact = 30_002.9;
    expect(circuit.state).toBe('open');
    exact = 30_003;
    expect(circuit.state).toBe('half-open');
  });

  it('takes calls for slow under a clock that cannot tell whether the process stood still', () => {
    const { circuit, clock } = make({
      trip: { minimumCalls: 2, slowCallRate: { thresholdPercent: 100, slowerThan: '1s' } },
    });
    const hanging = circuit.enter()!;
    circuit.enter();
    clock.time = 5_000;
    hanging.succeed();
    expect(circuit.state).toBe('open');
    expect(circuit.totals().slow).toBe(1);
  });

  it('counts the time of a call that waited from when it really began', () => {
    const { circuit, clock } = make({
      trip: { minimumCalls: 1, slowCallRate: { thresholdPercent: 100, slowerThan: '1s' } },
    });
    const waiting = circuit.enter()!;
    circuit.pause(waiting);
    clock.time = 900;
    circuit.begin(waiting);
    clock.time = 1_500;
    circuit.enter()!.ignore();
    expect(circuit.state).toBe('closed');
    clock.time = 2_100;
    circuit.enter();
    expect(circuit.state).toBe('open');
  });

  it('does not take a call that waits for one that hangs', () => {
    const { circuit, clock } = make({
      trip: { minimumCalls: 1, slowCallRate: { thresholdPercent: 100, slowerThan: '1s' } },
    });
    const waiting = circuit.enter()!;
    circuit.pause(waiting);
    clock.time = 5_000;
    circuit.enter()!.ignore();
    expect(circuit.state).toBe('closed');
    circuit.begin(waiting);
    waiting.ignore();
    const next = circuit.enter()!;
    clock.time = 9_000;
    circuit.enter();
    expect(circuit.state).toBe('open');
    next.ignore();
  });

  it('counts a probe that was given up while it waited no second time', () => {
    const halfOpen = { maxProbes: 2, probeTimeout: '2s', evaluate: 'FailureRate' } as const;
    const slowCallRate = { thresholdPercent: 100, slowerThan: '1s' };
    const trip = { consecutiveFailures: 1, minimumCalls: 2, slowCallRate, failureRate: { thresholdPercent: 80 } };
    const { circuit, clock } = make({ trip, recovery: { openDuration: '1s', halfOpen } });
    circuit.enter()!.fail();
    clock.time = 1_000;
    const waiting = circuit.enter()!;
    circuit.pause(waiting);
    clock.time = 3_500;
    const other = circuit.enter()!;
    circuit.begin(waiting);
    waiting.succeed();
    clock.time = 6_000;
    expect(circuit.state).toBe('open');
    other.succeed();
  });

  it('gives a probe that waited its whole time, and looks first at the one that began first', () => {
    const halfOpen = { maxProbes: 2, probeTimeout: '10s' };
    const { circuit, clock } = make({ trip: { consecutiveFailures: 1 }, recovery: { openDuration: '1s', halfOpen } });
    circuit.enter()!.fail();
    clock.time = 1_000;
    const [waiting] = [circuit.enter()!, circuit.enter()!];
    circuit.pause(waiting);
    clock.time = 6_000;
    circuit.begin(waiting);
    clock.time = 10_999;
    expect(circuit.state).toBe('half-open');
    clock.time = 11_000;
    expect(circuit.state).toBe('open');
  });

  it('leaves alone what a call of an earlier state counts', () => {
    const { circuit, clock } = make({ trip: { consecutiveFailures: 1 } });
    const early = circuit.enter()!;
    circuit.pause(early);
    circuit.enter()!.fail();
    clock.time = 50;
    circuit.begin(early);
    early.succeed();
    expect(circuit.state).toBe('open');
  });

  it('asks its clock to watch the process for as long as calls that begin in this bucket may be judged slow', () => {
    const watched: number[] = [];
    const clock = { now: () => 100, watch: (until: number) => watched.push(until) };
    const host = { clock, random: () => 0, wallNow: () => 0, transitioned() {} };
    const slowCallRate = { thresholdPercent: 100, slowerThan: '1s' };
    const config = configOf({ trip: { slowCallRate } });
    new Circuit(config, host).enter();
    new Circuit(configOf({}), host).enter();
    expect(watched).toEqual([10_200]);
  });

  it('rejects in Enforce and counts in Shadow what it would reject', () => {
    const { circuit } = make({ trip: { consecutiveFailures: 1 } });
    circuit.enter()!.fail();
    expect(circuit.enter()).toBeNull();
    circuit.configure(configOf({ mode: 'Shadow', trip: { consecutiveFailures: 1 } }), false);
    circuit.enter()!.succeed();
    expect(circuit.totals()).toEqual({
      succeeded: 1,
      failed: 1,
      ignored: 0,
      slow: 0,
      timedOut: 0,
      rejected: 1,
      shadowRejected: 1,
      retried: 0,
      fallback: 0,
    });
  });
});

describe('a permit', () => {
  it.each(['Probes', 'Ramp'] as const)('is given again, but not to a probe: %s', (strategy) => {
    const halfOpen = strategy === 'Ramp' ? { strategy, rampDuration: '1s' } : { strategy };
    const { circuit, clock } = make({
      trip: { consecutiveFailures: 1 },
      recovery: { openDuration: '1s', halfOpen },
    });
    const first = circuit.enter()!;
    first.succeed();
    expect(circuit.enter(first)).toBe(first);
    first.fail();
    clock.time += 1_000;
    const probe = circuit.enter(first)!;
    expect(probe).not.toBe(first);
    circuit.reset();
    probe.succeed();
    expect(circuit.enter(probe)).toBe(probe);
  });

  it('keeps the outcome that the caller has decided', () => {
    const { circuit } = make({});
    expect(circuit.settleResult(circuit.enter()!, 'value', 'failure')).toBe('failure');
    expect(circuit.settleError(circuit.enter()!, new Error('down'), 'ignored')).toBe('ignored');
    expect(circuit.totals()).toMatchObject({ succeeded: 0, failed: 1, ignored: 1 });
  });
});
