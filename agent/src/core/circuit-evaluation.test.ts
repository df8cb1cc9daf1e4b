import { describe, expect, it } from '@jest/globals';
import { configOf } from '../../test/config-of.ts';
import { Circuit } from './circuit.ts';
import type { TransitionEvent } from './state.ts';

function make(spec: object, draws: number[] = []) {
  const watched: number[] = [];
  const clock = { time: 0, now: () => clock.time, watch: (until: number) => watched.push(until) };
  const received: TransitionEvent[] = [];
  const transitioned = (event: TransitionEvent) => void received.push(event);
  const circuit = new Circuit(configOf(spec), {
    clock,
    random: () => draws.shift() ?? 0,
    wallNow: () => 0,
    transitioned,
  });
  const outcomes = (end: 'succeed' | 'fail', count: number) => {
    for (let i = 0; i < count; i++) circuit.enter()![end]();
  };
  const reasons = () => received.map(({ reason }) => reason);
  return { clock, circuit, outcomes, reasons, watched };
}

const slowCallRate = { thresholdPercent: 50, slowerThan: '1s' };
const asking = { headers: { get: (name: string) => (name.toLowerCase() === 'retry-after' ? '600' : null) } };

describe('a success', () => {
  it('opens the circuit when it makes enough calls of which half hang', () => {
    const { clock, circuit, outcomes } = make({ trip: { minimumCalls: 4, slowCallRate } });
    for (let i = 0; i < 2; i++) circuit.enter();
    clock.time = 1_200;
    outcomes('succeed', 1);
    const last = circuit.enter()!;
    expect(circuit.state).toBe('closed');
    last.succeed();
    expect(circuit.state).toBe('open');
  });

  it('opens the circuit when it makes enough calls of which half were slow', () => {
    const { clock, circuit, outcomes, reasons } = make({ trip: { minimumCalls: 4, slowCallRate } });
    const slow = [circuit.enter()!, circuit.enter()!];
    clock.time = 1_050;
    for (const permit of slow) permit.succeed();
    outcomes('succeed', 1);
    const last = circuit.enter()!;
    expect(circuit.state).toBe('closed');
    last.succeed();
    expect(reasons()).toEqual(['slow-call-rate']);
  });

  it('that took just as long as is not slow yet is not slow', () => {
    const { clock, circuit } = make({ trip: { minimumCalls: 1, slowCallRate } });
    const permit = circuit.enter()!;
    clock.time = 1_000;
    permit.succeed();
    expect(circuit.window.slow).toBe(0);
  });

  it.each(['Probes', 'Ramp'])(
    'of before the circuit opened is not in the window after it closed, by %s',
    (strategy) => {
      const halfOpen = { strategy, ...(strategy === 'Ramp' && { rampDuration: '1s' }) };
      const { clock, circuit, outcomes } = make({
        trip: { consecutiveFailures: 1 },
        recovery: { openDuration: '1s', halfOpen },
      });
      const early = circuit.enter()!;
      outcomes('fail', 1);
      clock.time = 1_000;
      outcomes('succeed', 1);
      clock.time = 2_000;
      if (strategy === 'Ramp') outcomes('succeed', 1);
      expect(circuit.state).toBe('closed');
      early.succeed();
      expect(circuit.window).toEqual({ calls: 0, failures: 0, slow: 0 });
      expect(circuit.totals().succeeded).toBe(strategy === 'Ramp' ? 3 : 2);
    },
  );

  it('that asks for time to stay away does not lengthen the time for which a failure before it opens the circuit', () => {
    const trip = { minimumCalls: 3, failureRate: { thresholdPercent: 50 } };
    const { circuit, outcomes } = make({ trip, recovery: { openDuration: '30s', honorRetryAfter: true } });
    outcomes('fail', 2);
    circuit.settleResult(circuit.enter()!, asking);
    expect(circuit.retryAfterMs).toBe(30_000);
  });

  it('that is slow and asks for time to stay away opens the circuit for no longer than usual, ramp or not', () => {
    const trip = { minimumCalls: 1, slowCallRate };
    const halfOpen = { strategy: 'Ramp', rampDuration: '10s' };
    const { clock, circuit } = make({ trip, recovery: { openDuration: '30s', honorRetryAfter: true, halfOpen } });
    for (const began of [0, 40_000]) {
      clock.time = began;
      const slow = circuit.enter()!;
      clock.time += 1_150;
      circuit.settleResult(slow, asking);
      expect(circuit.retryAfterMs).toBe(30_000);
    }
  });
});

describe('entering, where slow calls count, judges', () => {
  it('by a threshold that an edit lowered', () => {
    const spec = (thresholdPercent: number) => ({
      trip: { minimumCalls: 4, failureRate: { thresholdPercent }, slowCallRate },
    });
    const { circuit, outcomes } = make(spec(50));
    outcomes('fail', 1);
    outcomes('succeed', 3);
    circuit.configure(configOf(spec(20)), false);
    expect(circuit.enter()).toBeNull();
    expect(circuit.state).toBe('open');
  });

  it('as soon as a forced state ends', () => {
    const { clock, circuit, outcomes } = make({
      trip: { minimumCalls: 1, failureRate: { thresholdPercent: 50 }, slowCallRate },
    });
    circuit.forceClosed(50, 'a test');
    outcomes('fail', 3);
    clock.time = 49;
    expect(circuit.enter()).not.toBeNull();
    clock.time = 50;
    expect(circuit.enter()).toBeNull();
  });

  it('by calls that began before an edit of something else', () => {
    const spec = (openDuration: string) => ({ trip: { minimumCalls: 1, slowCallRate }, recovery: { openDuration } });
    const { clock, circuit } = make(spec('10s'));
    circuit.enter();
    circuit.configure(configOf(spec('20s')), false);
    clock.time = 1_200;
    expect(circuit.enter()).toBeNull();
  });

  it('not, where slow calls do not count, before an outcome does', () => {
    const trip = { window: { type: 'Time', duration: '1s' }, minimumCalls: 2, failureRate: { thresholdPercent: 60 } };
    const recovery = { openDuration: '1s', halfOpen: { strategy: 'Ramp', rampDuration: '10s' } };
    const { clock, circuit, outcomes } = make({ trip, recovery });
    outcomes('fail', 2);
    clock.time = 1_000;
    outcomes('succeed', 1);
    clock.time = 1_150;
    outcomes('succeed', 1);
    clock.time = 1_500;
    outcomes('fail', 2);
    clock.time = 2_050;
    const permit = circuit.enter();
    expect(circuit.state).toBe('half-open');
    permit?.ignore();
    expect(circuit.state).toBe('open');
  });
});

describe('a circuit that tests the dependency', () => {
  const probing = (halfOpen: object) => ({
    trip: { consecutiveFailures: 1 },
    recovery: { openDuration: '1s', halfOpen },
  });

  it('is watched for as long as the calls that it admits may be judged slow', () => {
    const { clock, circuit, outcomes, watched } = make({
      ...probing({ maxProbes: 2 }),
      trip: { consecutiveFailures: 1, slowCallRate },
    });
    outcomes('fail', 1);
    clock.time = 1_000;
    watched.length = 0;
    circuit.enter();
    expect(watched).toEqual([11_000]);
  });

  it('says how long a rejected caller has to wait, and nothing while probes are under way', () => {
    const { clock, circuit, outcomes } = make(probing({}));
    outcomes('fail', 1);
    clock.time = 400;
    expect(circuit.enter()).toBeNull();
    expect(circuit.rejectedForMs).toBe(600);
    clock.time = 1_000;
    circuit.enter();
    expect(circuit.enter()).toBeNull();
    expect(circuit.rejectedForMs).toBe(0);
    expect(circuit.permits).toBe(2);
  });

  it('judges by the probes that ended when an edit leaves none to come, but waits for those under way', () => {
    const together = (maxProbes: number) => ({
      trip: { consecutiveFailures: 1, minimumCalls: 10, failureRate: { thresholdPercent: 50 } },
      recovery: { openDuration: '1s', halfOpen: { maxProbes, evaluate: 'FailureRate' } },
    });
    const { clock, circuit, outcomes, reasons } = make(together(4));
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('succeed', 2);
    const under = circuit.enter()!;
    circuit.configure(configOf(together(2)), false);
    expect(circuit.state).toBe('half-open');
    under.ignore();
    expect(reasons()).toEqual(['consecutive-failures', 'open-duration-over', 'probe-succeeded']);
  });

  it('continues with its probes when an edit leaves some to come', () => {
    const together = (maxProbes: number) => ({
      trip: { consecutiveFailures: 1, minimumCalls: 10, failureRate: { thresholdPercent: 50 } },
      recovery: { openDuration: '1s', halfOpen: { maxProbes, evaluate: 'FailureRate' } },
    });
    const { clock, circuit, outcomes } = make(together(4));
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('succeed', 2);
    circuit.configure(configOf(together(3)), false);
    expect(circuit.state).toBe('half-open');
    outcomes('succeed', 1);
    expect(circuit.state).toBe('closed');
  });

  it('says that a probe closed it, or the end of the ramp', () => {
    const probes = make(probing({ successThreshold: 2, maxProbes: 2 }));
    probes.outcomes('fail', 1);
    probes.clock.time = 1_000;
    probes.outcomes('succeed', 2);
    expect(probes.reasons()).toEqual(['consecutive-failures', 'open-duration-over', 'probe-succeeded']);
    const ramp = make(probing({ strategy: 'Ramp', rampDuration: '1s' }));
    ramp.outcomes('fail', 1);
    ramp.clock.time = 1_000;
    ramp.outcomes('succeed', 1);
    ramp.clock.time = 2_000;
    ramp.outcomes('succeed', 1);
    expect(ramp.reasons()).toEqual(['consecutive-failures', 'open-duration-over', 'ramp-over']);
  });

  it('by a ramp stays away as long as the failure that opens it again asks for', () => {
    const spec = probing({ strategy: 'Ramp', rampDuration: '1s' });
    const { clock, circuit, outcomes } = make({ ...spec, recovery: { ...spec.recovery, honorRetryAfter: true } });
    outcomes('fail', 1);
    clock.time = 1_000;
    circuit.settleError(circuit.enter()!, asking);
    expect(circuit.retryAfterMs).toBe(600_000);
  });

  it('stays open when the call that ends after the ramp trips it, whatever succeeded before', () => {
    const { clock, circuit, outcomes } = make(probing({ strategy: 'Ramp', rampDuration: '1s' }));
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('succeed', 1);
    clock.time = 2_100;
    outcomes('fail', 1);
    expect(circuit.state).toBe('open');
  });

  it('counts for the threshold of an edit only the probes that went well', () => {
    const trip = { consecutiveFailures: 1, minimumCalls: 5, failureRate: { thresholdPercent: 100 } };
    const halfOpen = (more: object) => ({
      trip,
      recovery: { openDuration: '1s', halfOpen: { maxProbes: 5, ...more } },
    });
    const { clock, circuit, outcomes } = make(halfOpen({ evaluate: 'FailureRate' }));
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('fail', 1);
    circuit.configure(configOf(halfOpen({ evaluate: 'AnyFailure', successThreshold: 2 })), false);
    outcomes('succeed', 1);
    expect(circuit.state).toBe('half-open');
    outcomes('succeed', 1);
    expect(circuit.state).toBe('closed');
  });

  it('draws no random number for a forced state', () => {
    const spec = (jitterPercent: number) => ({
      trip: { consecutiveFailures: 1 },
      recovery: { openDuration: '1s', jitterPercent },
    });
    const { clock, circuit, outcomes } = make(spec(0), [0.5, 0.25]);
    circuit.forceOpen(1_000, 'a test');
    circuit.configure(configOf(spec(100)), false);
    clock.time = 1_000;
    outcomes('fail', 1);
    expect(circuit.retryAfterMs).toBe(1_500);
  });

  it('does not hear a call of a state before it, however often the breaker was reset in between', () => {
    const { clock, circuit, outcomes } = make(probing({ strategy: 'Ramp', rampDuration: '1s' }));
    const early = circuit.enter()!;
    circuit.reset();
    circuit.reset();
    outcomes('fail', 1);
    clock.time = 1_000;
    expect(circuit.state).toBe('half-open');
    early.fail();
    expect(circuit.window.calls).toBe(0);
    expect(circuit.state).toBe('half-open');
  });
});

describe('a call that waits', () => {
  it('and whose circuit opened meanwhile is not under way in what comes after', () => {
    const spec = { trip: { consecutiveFailures: 1, minimumCalls: 2, slowCallRate }, recovery: { openDuration: '1s' } };
    const { clock, circuit, outcomes } = make(spec);
    const waiting = circuit.enter()!;
    circuit.pause(waiting);
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('succeed', 1);
    expect(circuit.state).toBe('closed');
    circuit.begin(waiting);
    circuit.enter();
    clock.time = 3_000;
    expect(circuit.enter()).not.toBeNull();
    expect(circuit.state).toBe('closed');
  });

  it('and of a state before it waits for nothing', () => {
    const spec = { trip: { consecutiveFailures: 1, minimumCalls: 2, slowCallRate }, recovery: { openDuration: '1s' } };
    const { clock, circuit, outcomes } = make(spec);
    const early = circuit.enter()!;
    outcomes('fail', 1);
    clock.time = 1_000;
    outcomes('succeed', 1);
    for (let i = 0; i < 2; i++) circuit.enter();
    circuit.pause(early);
    circuit.begin(early);
    early.ignore();
    clock.time = 2_200;
    expect(circuit.enter()).toBeNull();
  });

  it('may wait where nothing counts slow calls', () => {
    const { clock, circuit } = make({ trip: { consecutiveFailures: 1 } });
    const permit = circuit.enter()!;
    circuit.pause(permit);
    clock.time = 500;
    circuit.begin(permit);
    permit.succeed();
    expect(circuit.latency()[0]).toBe(1);
  });
});

describe('a listener that uses the breaker', () => {
  it('hears each change once and in its order', () => {
    const received: TransitionEvent[] = [];
    const host = {
      clock: { now: () => 5 },
      random: () => 0,
      wallNow: () => 0,
      transitioned(event: TransitionEvent) {
        received.push(event);
        if (received.length === 1) circuit.reset();
      },
    };
    const circuit = new Circuit(configOf({ trip: { consecutiveFailures: 1 } }), host);
    circuit.enter()!.fail();
    expect(received).toStrictEqual([
      { from: 'closed', to: 'open', at: 5, reason: 'consecutive-failures' },
      { from: 'open', to: 'closed', at: 5, reason: 'manual-reset' },
    ]);
  });
});

describe('a permit', () => {
  it('of a call that code judges goes by that, and by the policy where code does not say', () => {
    const { circuit } = make({});
    const seen: unknown[] = [];
    circuit.classify = (outcome) => {
      seen.push(outcome);
      return 'error' in outcome && outcome.error === 'fine' ? 'success' : undefined;
    };
    expect(circuit.settleError(circuit.enter()!, 'fine')).toBe('success');
    expect(circuit.settleError(circuit.enter()!, 'broken')).toBe('failure');
    expect(circuit.settleResult(circuit.enter()!, 7)).toBe('success');
    expect(seen).toEqual([{ error: 'fine' }, { error: 'broken' }, { result: 7 }]);
  });

  it('that leaves its scope unsettled is an ignored call', () => {
    const { circuit } = make({});
    circuit.enter()![Symbol.dispose]();
    const settled = circuit.enter()!;
    settled.fail();
    settled[Symbol.dispose]();
    expect(circuit.totals()).toMatchObject({ succeeded: 0, failed: 1, ignored: 1 });
  });
});
