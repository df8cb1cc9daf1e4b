import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Permit, TransitionEvent } from '../src/breakers/breaker.ts';
import type { PolicyDefaults } from '../src/breakers/registry.ts';
import { createBreaker, FakeClock } from '../src/testing/testing.ts';
import { propertyRuns } from './property-runs.ts';

type Outcome = 'success' | 'failure' | 'ignored';

interface Policy {
  mode: 'Enforce' | 'Shadow' | 'Disabled';
  window: { type: 'Time'; ms: number } | { type: 'Count'; size: number } | { type: 'Ewma'; ms: number };
  minimumCalls: number;
  ratePercent: number;
  slow?: { percent: number; ms: number };
  failureCount?: number;
  consecutiveFailures?: number;
  openMs: number;
  factor: number;
  maxOpenMs?: number;
  jitterPercent: number;
  way:
    | { type: 'AnyFailure'; maxProbes: number; successThreshold: number; probeTimeoutMs: number }
    | { type: 'FailureRate'; maxProbes: number; probeTimeoutMs: number }
    | { type: 'Ramp'; ms: number };
  reset: boolean;
}

interface ModelCall {
  entered: number;
  begun: number;
  counts: boolean;
  ended: boolean;
  /** Under a policy that counted slow calls when it began. */
  seen: boolean;
}
interface Sample {
  at: number;
  failed: boolean;
  slow: boolean;
}

const ABSENT_WAY = { maxProbes: 1, successThreshold: 1, probeTimeoutMs: 30_000, ms: 10_000 };
const reaches = (part: number, total: number, percent: number) => part * 100 >= percent * total - 1e-6;

/** Nobody looks at the time for an edit that changes nothing; a Count window holds no more calls than its size. */
function sameTerms(one: Policy, other: Policy): boolean {
  const terms = ({ window, minimumCalls, ...rest }: Policy) =>
    JSON.stringify([rest, window.type === 'Count' ? Math.min(window.size, minimumCalls) : minimumCalls]);
  return terms(one) === terms(other);
}

/** A breaker in the plainest terms: it keeps every outcome and works everything out again each time. */
class Model {
  now = 0;
  state: 'closed' | 'open' | 'half-open' = 'closed';
  since = 0;
  events: TransitionEvent[] = [];
  totals = { succeeded: 0, failed: 0, ignored: 0, slow: 0, rejected: 0, shadowRejected: 0 };
  entries = 0;
  /** Half-open by a ramp; chosen when the state is entered. */
  ramp = false;
  rampBegan: number | undefined;
  probes: ModelCall[] = [];
  probed: Sample[] = [];
  log: Sample[] = [];
  running: ModelCall[] = [];
  /** Calls that began up to then are not known while under way. */
  unknownUpTo = -1;
  stalledUpTo = -1;
  forced: { until: number } | undefined;
  reopenings = 0;
  lastOpenMs = 0;
  jitter: number | undefined;
  policy: Policy;
  random: () => number;

  constructor(policy: Policy, random: () => number) {
    this.policy = policy;
    this.random = random;
  }

  get way() {
    return { ...ABSENT_WAY, ...this.policy.way };
  }

  go(to: 'closed' | 'open' | 'half-open', at: number, reason: TransitionEvent['reason'], detail?: string): void {
    this.events.push({ from: this.state, to, at, reason, ...(detail === undefined ? {} : { detail }) });
    this.state = to;
    this.since = at;
    this.entries++;
    this.probes = [];
    this.probed = [];
    this.ramp = to === 'half-open' && this.policy.way.type === 'Ramp';
    this.rampBegan = undefined;
    if (to === 'closed' || this.ramp) this.log = [];
  }

  open(at: number, reason: TransitionEvent['reason']): void {
    this.reopenings = this.state === 'closed' && at - this.since >= this.lastOpenMs ? 0 : this.reopenings + 1;
    this.jitter = this.policy.jitterPercent > 0 ? this.random() : undefined;
    this.go('open', at, reason);
  }

  openEnds(): number {
    const { openMs, factor, jitterPercent, maxOpenMs = 86_400_000 } = this.policy;
    if (this.forced !== undefined) return this.forced.until;
    const grown = openMs * factor ** this.reopenings;
    return this.since + Math.min(maxOpenMs, grown + (grown * jitterPercent * (this.jitter ?? 0)) / 100);
  }

  /** @param floor the edit that made something due; nothing lapses before it. */
  expireDeadlines(floor = 0): void {
    if (this.state === 'closed' && this.forced !== undefined && this.now >= this.forced.until) this.forced = undefined;
    if (this.state === 'open' && this.now >= this.openEnds()) {
      const [at, was] = [Math.max(floor, this.openEnds()), this.forced];
      this.forced = undefined;
      this.lastOpenMs = at - this.since;
      const to = this.policy.mode === 'Disabled' ? 'closed' : 'half-open';
      this.go(to, at, was === undefined ? 'open-duration-over' : 'force-over');
      this.expireDeadlines(floor);
    } else if (this.state === 'half-open' && this.probes.length > 0) {
      const [oldest] = this.probes.toSorted((a, b) => a.begun - b.begun);
      const due = oldest!.begun + this.way.probeTimeoutMs;
      if (this.now >= due) {
        this.probes = this.probes.filter((probe) => probe !== oldest);
        oldest!.seen = false;
        this.endProbe({ at: Math.max(floor, due), failed: true, slow: this.isSlow(oldest!, due) }, 'probe-timeout');
        this.expireDeadlines(floor);
      }
    }
  }

  begin(): ModelCall | null {
    this.expireDeadlines();
    if (this.policy.slow !== undefined && (this.state === 'closed' || this.ramp)) this.evaluate();
    const admitted =
      this.state === 'closed' || (this.state === 'half-open' && (this.ramp ? this.rampAdmits() : this.wantsProbe()));
    if (!admitted && (this.policy.mode !== 'Shadow' || this.forced !== undefined)) {
      this.totals.rejected++;
      return null;
    }
    if (!admitted) this.totals.shadowRejected++;
    const seen = admitted && this.policy.slow !== undefined && this.policy.mode !== 'Disabled';
    const call = { entered: this.entries, begun: this.now, counts: admitted, ended: false, seen };
    if (this.state === 'half-open' && admitted && !this.ramp) this.probes.push(call);
    this.running.push(call);
    return call;
  }

  wantsProbe(): boolean {
    const ended = this.policy.way.type === 'FailureRate' ? this.probed.length : 0;
    return this.probes.length + ended < this.way.maxProbes;
  }

  rampAdmits(): boolean {
    if (this.rampBegan === undefined) {
      this.rampBegan = this.now;
      return true;
    }
    const t = this.now - this.rampBegan;
    return t >= this.way.ms || this.random() < 2 ** (t / this.way.ms) - 1;
  }

  isSlow(call: ModelCall, at: number): boolean {
    const { slow } = this.policy;
    return slow !== undefined && at - call.begun > slow.ms && call.begun >= this.stalledUpTo;
  }

  end(call: ModelCall, outcome: Outcome): void {
    if (call.ended) return;
    this.totals[({ success: 'succeeded', failure: 'failed', ignored: 'ignored' } as const)[outcome]]++;
    const sample = { at: this.now, failed: outcome === 'failure', slow: this.isSlow(call, this.now) };
    if (outcome !== 'ignored' && sample.slow) this.totals.slow++;
    const decides = call.counts && call.entered === this.entries;
    // Nobody looks at the time for a call that decides nothing; for any other, whatever lapsed by now found it under
    // way.
    if (decides) this.expireDeadlines();
    call.ended = true;
    if (!decides || call.entered !== this.entries) return;
    if (this.state === 'half-open' && !this.ramp) {
      if (!this.probes.includes(call)) return;
      this.probes = this.probes.filter((each) => each !== call);
      if (outcome === 'ignored') this.evaluateLastProbes();
      else this.endProbe(sample, 'probe-failed');
      return;
    }
    if (this.policy.mode === 'Disabled') return;
    if (outcome !== 'ignored') this.log.push(sample);
    const opened = this.evaluate();
    if (this.ramp && !opened && this.now - this.rampBegan! >= this.way.ms && this.log.some(({ failed }) => !failed)) {
      this.go('closed', this.now, 'ramp-over');
    }
  }

  endProbe(sample: Sample, reason: TransitionEvent['reason']): void {
    this.probed.push(sample);
    if (this.policy.way.type === 'FailureRate') this.evaluateProbes(sample.at);
    else if (sample.failed || sample.slow) this.open(sample.at, reason);
    else if (this.probed.filter(({ failed, slow }) => !failed && !slow).length >= this.way.successThreshold) {
      this.go('closed', sample.at, 'probe-succeeded');
    }
  }

  evaluateLastProbes(): void {
    if (this.state !== 'half-open' || this.ramp || this.policy.way.type !== 'FailureRate') return;
    if (this.probes.length === 0 && !this.wantsProbe()) this.evaluateProbes(this.now);
  }

  evaluateProbes(at: number): void {
    if (this.probed.length < Math.min(this.minimumCalls(), this.way.maxProbes)) return;
    const reason = this.byRates(this.sums(this.probed.map((sample) => [sample, 1])), this.overdue(at), 0);
    if (reason === undefined) this.go('closed', at, 'probe-succeeded');
    else this.open(at, reason);
  }

  sums(samples: [Sample, number][]) {
    const sum = (of: (sample: Sample) => boolean) =>
      samples.reduce((total, [sample, weight]) => total + (of(sample) ? weight : 0), 0);
    return { calls: sum(() => true), failures: sum(({ failed }) => failed), slow: sum(({ slow }) => slow) };
  }

  window() {
    const { window } = this.policy;
    if (window.type === 'Count') return this.sums(this.log.slice(-window.size).map((sample) => [sample, 1]));
    const tenths = (at: number) => Math.floor(this.now / (window.ms / 10)) - Math.floor(at / (window.ms / 10));
    const weight = (at: number) => (window.type === 'Ewma' ? 0.5 ** (tenths(at) / 10) : Number(tenths(at) < 10));
    return this.sums(this.log.map((sample) => [sample, weight(sample.at)]));
  }

  overdue(now: number): number {
    const { slow } = this.policy;
    if (slow === undefined) return 0;
    const bucket = (at: number) => Math.floor(at / (slow.ms / 10));
    const known = this.running.filter(({ begun, ended, seen, entered }) => {
      const isKnown = bucket(begun) > bucket(Math.max(this.unknownUpTo, this.stalledUpTo));
      return seen && !ended && entered === this.entries && isKnown;
    });
    return known.filter(({ begun }) => {
      const age = bucket(now) - bucket(begun);
      return age > 10 && age < 100;
    }).length;
  }

  run(): number {
    const lastSuccess = this.log.findLastIndex(({ failed }) => !failed);
    return this.log.length - 1 - lastSuccess;
  }

  minimumCalls(): number {
    const { window, minimumCalls } = this.policy;
    return window.type === 'Count' ? Math.min(window.size, minimumCalls) : minimumCalls;
  }

  /** Opens if a condition holds, and says whether it did. */
  evaluate(): boolean {
    if (this.policy.mode === 'Disabled' || (this.forced !== undefined && this.now < this.forced.until)) return false;
    this.forced = undefined;
    const { consecutiveFailures, failureCount } = this.policy;
    const window = this.window();
    let reason: TransitionEvent['reason'] | undefined;
    if (consecutiveFailures !== undefined && this.run() >= consecutiveFailures) reason = 'consecutive-failures';
    else if (failureCount !== undefined && window.failures >= failureCount - 1e-6) reason = 'failure-count';
    else reason = this.byRates(window, this.overdue(this.now), this.minimumCalls());
    if (reason !== undefined) this.open(this.now, reason);
    return reason !== undefined;
  }

  byRates(counts: { calls: number; failures: number; slow: number }, overdue: number, minimum: number) {
    const total = counts.calls + overdue;
    if (total < minimum - 1e-6) return undefined;
    if (reaches(counts.failures, total, this.policy.ratePercent)) return 'failure-rate';
    const { slow } = this.policy;
    return slow !== undefined && reaches(counts.slow + overdue, total, slow.percent) ? 'slow-call-rate' : undefined;
  }

  restart(reason: TransitionEvent['reason']): void {
    this.lastOpenMs = 0;
    if (this.state !== 'closed' && this.forced === undefined) this.go('closed', this.now, reason);
    this.entries++;
    this.log = [];
  }

  edit(policy: Policy): void {
    if (sameTerms(policy, this.policy)) return;
    this.expireDeadlines();
    const before = this.policy;
    this.policy = policy;
    const counted = (of: Policy) => (of.mode === 'Disabled' ? undefined : of.slow?.ms);
    if (counted(before) !== counted(policy)) this.unknownUpTo = this.now;
    if (policy.reset) this.restart('policy-reset');
    else if ((before.mode === 'Disabled') !== (policy.mode === 'Disabled')) this.restart('policy-disabled');
    if (this.state === 'open' && this.forced === undefined && policy.jitterPercent > 0) this.jitter ??= this.random();
    this.expireDeadlines(this.now);
    this.evaluateLastProbes();
  }

  force(state: 'open' | 'closed', ms: number): void {
    this.expireDeadlines();
    this.forced = { until: this.now + ms };
    if (this.state === state) return;
    if (state === 'open') {
      this.reopenings = -1;
      this.jitter = undefined;
    }
    this.go(state, this.now, `forced-${state}`, 'manual');
  }

  reset(): void {
    this.expireDeadlines();
    this.forced = undefined;
    this.restart('manual-reset');
  }
}

const specOf = (policy: Policy): PolicyDefaults => {
  const { window, slow, way } = policy;
  const present = <T extends object>(fields: T) =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
  const windows = {
    Time: () => ({ type: 'Time' as const, duration: `${(window as { ms: number }).ms}ms` }),
    Ewma: () => ({ type: 'Ewma' as const, halfLife: `${(window as { ms: number }).ms}ms` }),
    Count: () => ({ type: 'Count' as const, size: (window as { size: number }).size }),
  };
  return {
    mode: policy.mode,
    onUpdate: policy.reset ? 'Reset' : 'Preserve',
    trip: present({
      window: windows[window.type](),
      minimumCalls: policy.minimumCalls,
      failureRate: { thresholdPercent: policy.ratePercent },
      slowCallRate: slow && { thresholdPercent: slow.percent, slowerThan: `${slow.ms}ms` },
      failureCount: policy.failureCount,
      consecutiveFailures: policy.consecutiveFailures,
    }),
    recovery: present({
      openDuration: `${policy.openMs}ms`,
      backoffFactor: policy.factor,
      maxOpenDuration: policy.maxOpenMs === undefined ? undefined : `${policy.maxOpenMs}ms`,
      jitterPercent: policy.jitterPercent,
      halfOpen:
        way.type === 'Ramp'
          ? { strategy: 'Ramp' as const, rampDuration: `${way.ms}ms` }
          : present({
              evaluate: way.type,
              maxProbes: way.maxProbes,
              successThreshold: way.type === 'AnyFailure' ? way.successThreshold : undefined,
              probeTimeout: `${way.probeTimeoutMs}ms`,
            }),
    }),
  };
};

const small = (max: number) => fc.integer({ min: 1, max });
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** The window is the same through all edits: what a resized one keeps is a matter of the windows' own tests. */
const policies = fc
  .oneof(
    fc.record({ type: fc.constant('Time' as const), ms: fc.constantFrom(100, 1_000) }),
    fc.record({ type: fc.constant('Ewma' as const), ms: fc.constantFrom(100, 1_000) }),
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
        slow: maybe(fc.record({ percent: fc.integer({ min: 30, max: 100 }), ms: fc.constantFrom(20, 100) })),
        failureCount: maybe(fc.integer({ min: 2, max: 4 })),
        consecutiveFailures: maybe(fc.integer({ min: 2, max: 5 })),
        openMs: small(300),
        factor: small(3),
        maxOpenMs: maybe(fc.integer({ min: 300, max: 1_000 })),
        jitterPercent: fc.constantFrom(0, 0, 50, 100),
        way: fc.oneof(
          fc.record({
            type: fc.constant('AnyFailure' as const),
            maxProbes: small(3),
            successThreshold: small(3),
            probeTimeoutMs: small(300),
          }),
          fc.record({ type: fc.constant('FailureRate' as const), maxProbes: small(5), probeTimeoutMs: small(300) }),
          fc.record({ type: fc.constant('Ramp' as const), ms: small(300) }),
        ),
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
  {
    weight: 1,
    arbitrary: fc.oneof(
      fc.record({ kind: fc.constant('stall' as const), ms: fc.nat(200) }),
      fc.record({ kind: fc.constantFrom('open' as const, 'closed' as const), ms: small(300) }),
      fc.record({ kind: fc.constant('reset' as const) }),
    ),
  },
);

/** Shares that are exact in binary, so that both sides round alike. */
const draws = fc.array(fc.constantFrom(0, 0.125, 0.25, 0.5, 0.75), { minLength: 1, maxLength: 12 });

function settle(permit: Permit, outcome: Outcome): void {
  if (outcome === 'success') permit.succeed();
  else if (outcome === 'failure') permit.fail();
  else permit.ignore();
}

describe('a breaker', () => {
  it('does what a plain model does, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(
        policies,
        fc.array(step, { maxLength: 120, size: 'max' }),
        draws,
        ([first, ...others], steps, list) => {
          const drawing = () => {
            let drawn = 0;
            return () => list[drawn++ % list.length]!;
          };
          const clock = new FakeClock();
          // Wherever the wall clock jumps, nobody looks at it.
          const wallNow = () => {
            throw new Error('the wall clock was read');
          };
          const breaker = createBreaker(specOf(first!), { clock, random: drawing(), wallNow });
          const events: TransitionEvent[] = [];
          breaker.on('transition', (event) => events.push(event));
          const model = new Model(first!, drawing());
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
            } else if (each.kind === 'stall') {
              clock.stall(each.ms);
              model.now += each.ms;
              model.stalledUpTo = model.now;
            } else if (each.kind === 'begin') begin();
            else if (each.kind === 'end' && running.length > 0) end(each.call % running.length, each.outcome);
            else if (each.kind === 'call' && begin()) end(running.length - 1, each.outcome);
            else if (each.kind === 'look') {
              model.expireDeadlines();
              expect(breaker.state).toBe(model.state);
            } else if (each.kind === 'edit') {
              const policy = others[each.to] ?? first!;
              breaker.apply(specOf(policy));
              model.edit(policy);
            } else if (each.kind === 'reset') {
              breaker.reset();
              model.reset();
            } else if (each.kind === 'open' || each.kind === 'closed') {
              const options = { for: `${each.ms}ms`, reason: 'manual' };
              if (each.kind === 'open') breaker.forceOpen(options);
              else breaker.forceClosed(options);
              model.force(each.kind, each.ms);
            }
          }
          model.expireDeadlines();
          const { state, sinceMs, retryAfterMs, window, consecutiveFailures, totals, forced } = breaker.stats();
          const held = model.window();
          expect({ state, sinceMs, retryAfterMs, totals, events, endsInMs: forced?.endsInMs }).toEqual({
            state: model.state,
            sinceMs: model.now - model.since,
            retryAfterMs: model.state === 'open' ? model.openEnds() - model.now : 0,
            totals: expect.objectContaining(model.totals),
            events: model.events,
            endsInMs: model.forced && model.forced.until - model.now,
          });
          expect(window.calls).toBeCloseTo(held.calls, 6);
          expect(window.failures).toBeCloseTo(held.failures, 6);
          expect(window.slow).toBeCloseTo(held.slow, 6);
          if (state === 'closed') expect(consecutiveFailures).toBe(model.run());
        },
      ),
      { numRuns: propertyRuns(2_000) },
    );
  });
});
