import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Permit, TransitionEvent } from '../src/breaker.ts';
import { createBreaker, FakeClock } from '../src/testing.ts';
import { propertyRuns } from './property-runs.ts';

type Outcome = 'success' | 'failure' | 'ignored';

interface Policy {
  mode: 'Enforce' | 'Shadow' | 'Disabled';
  window: { type: 'Time'; ms: number } | { type: 'Count'; size: number };
  minimumCalls: number;
  ratePercent: number;
  failureCount?: number;
  consecutiveFailures?: number;
  openMs: number;
  maxProbes: number;
  successThreshold: number;
  probeTimeoutMs: number;
  reset: boolean;
}

interface ModelCall {
  entered: number;
  begun: number;
  isProbe: boolean;
  counts: boolean;
  ended: boolean;
}

/** A breaker in the plainest terms: it keeps every outcome and works everything out anew each time. */
class Model {
  now = 0;
  state: 'closed' | 'open' | 'half-open' = 'closed';
  since = 0;
  events: TransitionEvent[] = [];
  totals = { succeeded: 0, failed: 0, ignored: 0, rejected: 0, shadowRejected: 0 };
  entries = 0;
  probes: ModelCall[] = [];
  probeSuccesses = 0;
  log: { at: number; failed: boolean }[] = [];
  policy: Policy;

  constructor(policy: Policy) {
    this.policy = policy;
  }

  go(to: 'closed' | 'open' | 'half-open', at: number, reason: TransitionEvent['reason']): void {
    this.events.push({ from: this.state, to, at, reason });
    this.state = to;
    this.since = at;
    this.entries++;
    this.probes = [];
    this.probeSuccesses = 0;
    if (to === 'closed') this.log = [];
  }

  /** @param floor the edit that made something due; nothing lapses before it. */
  lapse(floor = 0): void {
    if (this.state === 'open' && this.now >= this.since + this.policy.openMs) {
      this.go('half-open', Math.max(floor, this.since + this.policy.openMs), 'open-duration-over');
      this.lapse(floor);
    } else if (this.state === 'half-open' && this.probes.length > 0) {
      const due = Math.min(...this.probes.map(({ begun }) => begun)) + this.policy.probeTimeoutMs;
      if (this.now >= due) {
        this.go('open', Math.max(floor, due), 'probe-timeout');
        this.lapse(floor);
      }
    }
  }

  begin(): ModelCall | null {
    this.lapse();
    const isProbe = this.state === 'half-open' && this.probes.length < this.policy.maxProbes;
    const admitted = this.state === 'closed' || isProbe;
    if (!admitted && this.policy.mode !== 'Shadow') {
      this.totals.rejected++;
      return null;
    }
    if (!admitted) this.totals.shadowRejected++;
    const call = { entered: this.entries, begun: this.now, isProbe, counts: admitted, ended: false };
    if (isProbe) this.probes.push(call);
    return call;
  }

  end(call: ModelCall, outcome: Outcome): void {
    if (call.ended) return;
    call.ended = true;
    this.totals[({ success: 'succeeded', failure: 'failed', ignored: 'ignored' } as const)[outcome]]++;
    this.lapse();
    if (!call.counts || call.entered !== this.entries || this.policy.mode === 'Disabled') return;
    if (this.state === 'half-open') {
      this.probes = this.probes.filter((each) => each !== call);
      if (outcome === 'failure') this.go('open', this.now, 'probe-failed');
      if (outcome === 'success' && ++this.probeSuccesses >= this.policy.successThreshold) {
        this.go('closed', this.now, 'probe-succeeded');
      }
      return;
    }
    if (outcome !== 'ignored') this.log.push({ at: this.now, failed: outcome === 'failure' });
    const reason = this.tripped();
    if (reason !== undefined) this.go('open', this.now, reason);
  }

  window(): { calls: number; failures: number } {
    const { window } = this.policy;
    let inside = this.log;
    if (window.type === 'Count') inside = inside.slice(-window.size);
    else {
      const span = window.ms / 10;
      inside = inside.filter(({ at }) => Math.floor(this.now / span) - Math.floor(at / span) < 10);
    }
    return { calls: inside.length, failures: inside.filter(({ failed }) => failed).length };
  }

  run(): number {
    const lastSuccess = this.log.findLastIndex(({ failed }) => !failed);
    return this.log.length - 1 - lastSuccess;
  }

  tripped(): TransitionEvent['reason'] | undefined {
    const { consecutiveFailures, failureCount, ratePercent, minimumCalls, window } = this.policy;
    const { calls, failures } = this.window();
    const minimum = window.type === 'Count' ? Math.min(window.size, minimumCalls) : minimumCalls;
    if (consecutiveFailures !== undefined && this.run() >= consecutiveFailures) return 'consecutive-failures';
    if (failureCount !== undefined && failures >= failureCount) return 'failure-count';
    if (calls >= minimum && failures / calls >= ratePercent / 100) return 'failure-rate';
    return undefined;
  }

  edit(policy: Policy): void {
    this.lapse();
    const changed = JSON.stringify(policy) !== JSON.stringify(this.policy);
    const wasDisabled = this.policy.mode === 'Disabled';
    this.policy = policy;
    const switched = wasDisabled !== (policy.mode === 'Disabled');
    if (changed && (policy.reset || switched)) {
      if (this.state !== 'closed') this.go('closed', this.now, policy.reset ? 'policy-reset' : 'policy-disabled');
      this.entries++;
      this.log = [];
    }
    this.lapse(this.now);
  }
}

const specOf = (policy: Policy) => ({
  mode: policy.mode,
  onUpdate: policy.reset ? ('Reset' as const) : ('Preserve' as const),
  trip: {
    window:
      policy.window.type === 'Time'
        ? { type: 'Time' as const, duration: `${policy.window.ms}ms` }
        : { type: 'Count' as const, size: policy.window.size },
    minimumCalls: policy.minimumCalls,
    failureRate: { thresholdPercent: policy.ratePercent },
    ...(policy.failureCount === undefined ? {} : { failureCount: policy.failureCount }),
    ...(policy.consecutiveFailures === undefined ? {} : { consecutiveFailures: policy.consecutiveFailures }),
  },
  recovery: {
    openDuration: `${policy.openMs}ms`,
    halfOpen: {
      maxProbes: policy.maxProbes,
      successThreshold: policy.successThreshold,
      probeTimeout: `${policy.probeTimeoutMs}ms`,
    },
  },
});

const small = (max: number) => fc.integer({ min: 1, max });
/** The window is the same through all edits: what a resized one keeps is a matter of the windows' own tests. */
const policies = fc
  .oneof(
    fc.record({ type: fc.constant('Time' as const), ms: fc.constantFrom(100, 1_000) }),
    fc.record({ type: fc.constant('Count' as const), size: fc.integer({ min: 4, max: 12 }) }),
  )
  .chain((window) =>
    fc.array(
      fc.record({
        mode: fc.oneof(
          { weight: 6, arbitrary: fc.constant('Enforce' as const) },
          { weight: 2, arbitrary: fc.constant('Shadow' as const) },
          { weight: 1, arbitrary: fc.constant('Disabled' as const) },
        ),
        window: fc.constant(window),
        minimumCalls: small(12),
        ratePercent: fc.integer({ min: 30, max: 100 }),
        failureCount: fc.option(fc.integer({ min: 2, max: 4 }), { nil: undefined }),
        consecutiveFailures: fc.option(fc.integer({ min: 2, max: 5 }), { nil: undefined }),
        openMs: small(300),
        maxProbes: small(3),
        successThreshold: small(3),
        probeTimeoutMs: small(300),
        reset: fc.oneof({ weight: 5, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
      }),
      { minLength: 1, maxLength: 4, size: 'max' },
    ),
  );

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(200) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('begin' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('end' as const),
      call: fc.nat(1_000),
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'failure', 'ignored'),
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      outcome: fc.constantFrom<Outcome>('success', 'failure', 'failure', 'ignored'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('edit' as const), to: fc.nat(3) }) },
);

function settle(permit: Permit, outcome: Outcome): void {
  if (outcome === 'success') permit.succeed();
  else if (outcome === 'failure') permit.fail();
  else permit.ignore();
}

describe('a breaker', () => {
  it('does what a plain model does, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(policies, fc.array(step, { maxLength: 120, size: 'max' }), ([first, ...others], steps) => {
        const clock = new FakeClock();
        const breaker = createBreaker(specOf(first!), { clock });
        const events: TransitionEvent[] = [];
        breaker.on('transition', (event) => events.push(event));
        const model = new Model(first!);
        const running: { permit: Permit; call: ModelCall }[] = [];
        const begin = () => {
          const [permit, call] = [breaker.enter(), model.begin()];
          expect(permit === null).toBe(call === null);
          if (permit !== null && call !== null) running.push({ permit, call });
          return permit !== null;
        };
        const end = (index: number, outcome: Outcome) => {
          const { permit, call } = running[index]!;
          settle(permit, outcome);
          model.end(call, outcome);
        };
        for (const each of steps) {
          if (each.kind === 'pass') {
            clock.advance(each.ms);
            model.now += each.ms;
          } else if (each.kind === 'begin') begin();
          else if (each.kind === 'end' && running.length > 0) end(each.call % running.length, each.outcome);
          else if (each.kind === 'call' && begin()) end(running.length - 1, each.outcome);
          else if (each.kind === 'look') {
            model.lapse();
            expect(breaker.state).toBe(model.state);
          } else if (each.kind === 'edit') {
            const policy = others[each.to] ?? first!;
            breaker.apply(specOf(policy));
            model.edit(policy);
          }
        }
        model.lapse();
        const { state, sinceMs, window, consecutiveFailures, totals } = breaker.stats();
        expect({ state, sinceMs, window, totals, events }).toEqual({
          state: model.state,
          sinceMs: model.now - model.since,
          window: model.window(),
          totals: expect.objectContaining(model.totals),
          events: model.events,
        });
        if (state === 'closed') expect(consecutiveFailures).toBe(model.run());
      }),
      { numRuns: propertyRuns(1_000) },
    );
  });
});
