import { describe, expect, it } from '@jest/globals';
import { type Bounds, check, hasConverged } from './checker.ts';
import { type AgentRecord, type LogRecord, readRecords, type Truth, type View } from './records.ts';

const BOUNDS: Bounds = { convergeMs: 1_000, callMs: 50, gapMs: 500, agentHeapMb: 100, operatorRssMb: 200 };
const AGENT = 'checkout#1';

const born: LogRecord = {
  kind: 'born',
  at: 0,
  agent: AGENT,
  service: 'checkout',
  namespace: 'shop',
  labels: { app: 'checkout' },
};
const policy = (uid: string, generation: number, failures?: number, more: Partial<Truth> = {}): Truth => {
  return { namespace: 'shop', breaker: 'p0', uid, generation, selector: {}, ...(failures && { failures }), ...more };
};
const written = (at: number, truth: Truth): LogRecord => ({ kind: 'written', at, begun: at - 1, ...truth });
const deleted = (at: number, uid: string): LogRecord => ({ kind: 'deleted', at, begun: at - 1, uid });
const applied = (at: number, view: View): LogRecord => {
  return { kind: 'applied', at, agent: AGENT, origin: 'stream', revision: `r${at}`, view };
};
const runs = (at: number, uid: string, generation: number, failures?: number) =>
  applied(at, { p0: { uid, generation, ...(failures && { failures }) } });
const probe = (at: number, opened?: number): LogRecord => {
  return { kind: 'probe', at, agent: AGENT, breaker: 'p0', tries: opened ?? 14, ...(opened && { opened }) };
};
type Call = Extract<AgentRecord, { kind: 'call' }>;
const call = (at: number, more: Partial<Call> = {}): LogRecord => {
  const well = { outcome: 'passed', ms: 1, bareMs: 1, lagMs: 0, stolenMs: 0, cpuMs: 0 } as const;
  return { kind: 'call', at, agent: AGENT, breaker: 'p0', ...well, ...more };
};
const live: LogRecord = { kind: 'link', at: 1, agent: AGENT, state: 'Live' };

const judged = (...records: LogRecord[]) =>
  check([born, ...records], BOUNDS).map(({ invariant, message }) => `${invariant}: ${message}`);

const A1 = written(1, policy('a', 1, 3));
const A2 = written(20, policy('a', 2, 5));

describe('I1, that breakers continue with the last good policy,', () => {
  it('holds while an agent runs what was written, and probes say so', () => {
    expect(judged(A1, runs(2, 'a', 1, 3), probe(3, 3), A2, probe(21, 3), runs(22, 'a', 2, 5), probe(23, 5))).toEqual(
      [],
    );
  });

  it('holds when a policy goes that was deleted, as soon as its deletion began', () => {
    expect(judged(A1, runs(2, 'a', 1, 3), deleted(10, 'a'), applied(9, {}), probe(12))).toEqual([]);
  });

  it('holds when a generation that cannot be used leaves the one before in force', () => {
    const unusable = written(5, policy('a', 2));
    expect(judged(A1, runs(2, 'a', 1, 3), unusable, runs(6, 'a', 1, 3), probe(7, 3))).toEqual([]);
  });

  it.each<[string, LogRecord[], RegExp]>([
    ['a policy is lost that nobody deleted', [A1, runs(2, 'a', 1, 3), applied(3, {})], /lost generation 1 of a/],
    ['it is lost before its deletion', [A1, runs(2, 'a', 1, 3), applied(3, {}), deleted(9, 'a')], /lost generation 1/],
    ['a breaker opens by another policy', [A1, A2, runs(22, 'a', 2, 5), probe(23, 3)], /after 3 failures.*says 5/],
    ['a breaker does not open', [A1, runs(2, 'a', 1, 3), probe(3)], /never in 14 failures.*says 3/],
    ['a breaker without a policy opens', [probe(3, 5)], /after 5 failures.*says never/],
    ['a spec is not the one of its generation', [A1, runs(2, 'a', 1, 4), probe(3, 4)], /as 4 failures, not 3/],
    ['calls stop for a while', [call(1), call(600)], /no call was decided for 599 ms/],
  ])('does not when %s', (_name, records, message) => {
    expect(judged(...records)).toEqual([expect.stringMatching(/^I1: /)]);
    expect(judged(...records)[0]).toMatch(message);
  });

  it('holds when calls stop because the whole event loop did', () => {
    expect(judged(call(1), call(1_600, { lagMs: 1_500 }))).toEqual([]);
  });
});

describe('I2, that nothing goes back,', () => {
  it.each<[string, LogRecord[]]>([
    ['an older generation', [A1, A2, runs(22, 'a', 2, 5), runs(23, 'a', 1, 3)]],
    ['a policy that was gone', [A1, runs(2, 'a', 1, 3), deleted(4, 'a'), applied(5, {}), runs(6, 'a', 1, 3)]],
  ])('does not hold for %s', (_name, records) => {
    expect(judged(...records)).toEqual([expect.stringMatching(/^I2: /)]);
    const reset: LogRecord = { kind: 'reset', at: records.at(-1)!.at - 0.5, service: 'checkout' };
    expect(judged(...records, reset)).toEqual([]);
    expect(judged(...records, { ...reset, service: 'another' })).toEqual([expect.stringMatching(/^I2: /)]);
  });

  it('holds for a policy that is made again: another uid, generation 1', () => {
    const again = written(11, policy('b', 1, 4));
    expect(judged(A1, A2, runs(22, 'a', 2, 5), deleted(10, 'a'), again, runs(23, 'b', 1, 4), probe(24, 4))).toEqual([]);
  });

  it('holds for a new life, which may begin with what the file of the one before holds', () => {
    const next = { ...born, at: 30, agent: 'checkout#2' } as LogRecord;
    const old = { ...runs(31, 'a', 1, 3), agent: 'checkout#2' } as LogRecord;
    expect(judged(A1, A2, runs(22, 'a', 2, 5), next, old)).toEqual([]);
  });
});

describe('I3, that an agent gets what is meant for it,', () => {
  it.each<[string, Partial<Truth>, RegExp]>([
    ['another namespace', { namespace: 'bank' }, /namespace bank, not shop/],
    ['another selector', { selector: { app: 'billing' } }, /selects {"app":"billing"}/],
    ['another breaker', { breaker: 'p1' }, /is for p1/],
  ])('does not hold for a policy of %s', (_name, more, message) => {
    const found = judged(written(1, policy('a', 1, 3, more)), runs(2, 'a', 1, 3));
    expect(found).toEqual([expect.stringMatching(/^I3: /)]);
    expect(found[0]).toMatch(message);
  });

  it('does not hold for a policy that nobody wrote', () => {
    expect(judged(runs(2, 'a', 1, 3))).toEqual([expect.stringMatching(/^I3: .*never had/)]);
  });
});

describe('I4, that calls are left alone,', () => {
  it.each<[string, LogRecord]>([
    ['an error that is not the function’s', call(1, { outcome: 'foreign', error: 'Error: socket hang up' })],
    ['a call that is held up while the loop is not', call(1, { ms: 90, bareMs: 1, lagMs: 5 })],
    ['a call that computes', call(1, { cpuMs: 60 })],
    ['an error that nobody caught', { kind: 'uncaught', at: 1, agent: AGENT, error: 'Error: no' }],
  ])('does not hold for %s', (_name, record) => {
    expect(judged(record)).toEqual([expect.stringMatching(/^I4: /)]);
  });

  it('holds for a call that is as late as the loop, or waited for a core, and for rejections', () => {
    expect(judged(call(1, { ms: 200, stolenMs: 150 }))).toEqual([]);
    expect(judged(call(1, { ms: 200, bareMs: 1, lagMs: 160 }), call(2, { outcome: 'rejected' }))).toEqual([]);
  });
});

describe('I5, that all agree at last,', () => {
  const healed = (at: number, ...truth: Truth[]): LogRecord => ({ kind: 'healed', at, truth });
  const a2 = policy('a', 2, 5);

  it('holds when they do in time', () => {
    expect(judged(A1, A2, live, healed(100, a2), runs(900, 'a', 2, 5))).toEqual([]);
  });

  it('holds when they take as much longer as the machine had no time for them', () => {
    const late = [A1, A2, live, healed(100, a2), runs(1_500, 'a', 2, 5)];
    expect(judged(...late, { kind: 'ended', at: 1_600, stolenMs: 300 })).toEqual([expect.stringMatching(/^I5: /)]);
    expect(judged(...late, { kind: 'ended', at: 1_600, stolenMs: 500 })).toEqual([]);
  });

  it('holds for a life that was killed, whatever it ran', () => {
    expect(judged(A1, A2, runs(2, 'a', 1, 3), { kind: 'killed', at: 50, agent: AGENT }, healed(100, a2))).toEqual([]);
  });

  it.each<[string, LogRecord[], RegExp]>([
    ['an old generation stays', [A1, A2, live, runs(2, 'a', 1, 3), healed(100, a2)], /runs generation 1 of a, not/],
    ['a deleted policy stays', [A1, live, runs(2, 'a', 1, 3), healed(100)], /which is deleted/],
    ['a policy never comes', [A1, A2, live, healed(100, a2)], /runs nothing, not generation 2/],
    ['it comes too late', [A1, A2, live, healed(100, a2), runs(1_200, 'a', 2, 5)], /only 1100 ms after/],
    ['the link stays down', [A1, A2, runs(22, 'a', 2, 5), healed(100, a2)], /its link is/],
  ])('does not when %s', (_name, records, message) => {
    const found = judged(...records);
    expect(found).toEqual([expect.stringMatching(/^I5: /)]);
    expect(found[0]).toMatch(message);
  });

  it('waits for those that live, and for no policy that is not for them or cannot be used', () => {
    const log = [born, A1, A2, live, runs(22, 'a', 2, 5)];
    expect(hasConverged(log, [a2])).toBe(true);
    expect(hasConverged(log, [policy('a', 3)])).toBe(true);
    expect(hasConverged(log, [a2, policy('b', 1, 2, { breaker: 'p1', selector: { app: 'billing' } })])).toBe(true);
    expect(hasConverged(log, [a2, policy('b', 1, 2, { breaker: 'p1' })])).toBe(false);
  });
});

describe('I6, that memory is bounded,', () => {
  it.each<[string, LogRecord]>([
    ['an agent', { kind: 'memory', at: 1, agent: AGENT, heapMb: 101 }],
    ['an operator', { kind: 'memory', at: 1, operator: 'replica-0', rssMb: 201 }],
  ])('does not hold for %s that takes too much', (_name, record) => {
    expect(judged(record)).toEqual([expect.stringMatching(/^I6: /)]);
  });
});

it('reads a log whose last line was cut off, and no other that is damaged', () => {
  const line = JSON.stringify(born);
  expect(readRecords(`${line}\n${line.slice(0, 20)}`)).toEqual([born]);
  expect(() => readRecords(`${line.slice(0, 20)}\n${line}\n`)).toThrow(SyntaxError);
});
