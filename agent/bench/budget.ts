import type { Memory } from './memory.ts';
import type { Measured } from './rounds.ts';
import type { CaseName } from './subject.ts';

/** How many times the bare call each case may cost, on a core whose bare await takes `BARE_AWAIT_NS` or more. */
export const RATIOS: Partial<Record<CaseName, number>> = {
  closed: 2.4,
  'closed, exact clock': 3.6,
  'enter and succeed': 1.7,
  'timeout, signal unused': 4,
  'failing, 1k samples': 1.8,
  'failing, 10k samples': 1.8,
  'failing, 100k samples': 1.8,
  rejected: 1.5,
  'rejected, with a fallback': 0.2,
  'enter, null': 0.1,
  'gRPC interceptor': 1.25,
};

/** How many times another case, as ratios to the bare call, a case may cost on any core. */
export const COMPARED: Partial<Record<CaseName, { readonly to: CaseName; readonly most: number }>> = {
  'closed, recording off': { to: 'closed', most: 1.15 },
  'concurrency, adaptive': { to: 'concurrency, fixed', most: 3 },
};

/** A bare call of these takes so long that the core does not matter. */
const ON_ANY_CORE: ReadonlySet<CaseName> = new Set(['gRPC interceptor']);

/** A core that makes a bare await faster than this makes the rest of a call less fast, so that no ratio to it holds. */
const BARE_AWAIT_NS = 45;

/** The cases whose bare call is an await of a function that goes well. */
const AWAITS: ReadonlySet<CaseName> = new Set([
  'closed',
  'closed, exact clock',
  'closed, recording off',
  'closed, recording on',
  'enter and succeed',
  'timeout, signal unused',
  'timeout, signal used',
  'retry configured, unused',
]);

/** How many times what a case of a peer costs in the same run each case may cost, on any core. */
const PEERS: readonly {
  readonly name: CaseName;
  readonly peer: string;
  readonly of: CaseName;
  readonly most: number;
}[] = [
  { name: 'closed', peer: 'cockatiel', of: 'closed', most: 0.5 },
  { name: 'closed, exact clock', peer: 'cockatiel', of: 'closed', most: 0.9 },
  { name: 'failing, 1k samples', peer: 'cockatiel', of: 'failing, 1k samples', most: 0.9 },
  { name: 'failing, 10k samples', peer: 'cockatiel', of: 'failing, 10k samples', most: 0.9 },
  { name: 'failing, 100k samples', peer: 'cockatiel', of: 'failing, 100k samples', most: 0.9 },
];

const BYTES_EACH = 600;
/** Of one core, for all ten thousand, above a process that does nothing. */
const IDLE_CPU_PERCENT = 0.5;

/** A row of the budget, as a run meets it. A row is not judged on a core for which it says nothing. */
export interface Verdict {
  readonly row: string;
  readonly verdict: 'met' | 'missed' | 'not judged';
}

/** What a run says of each row of the budget that it measured. */
export function judge(cases: readonly Measured[], memory: readonly Memory[]): Verdict[] {
  return [...ratiosToBare(cases), ...ratiosToCases(cases), ...ratiosToPeers(cases), ...resting(memory)];
}

function ratiosToBare(cases: readonly Measured[]): Verdict[] {
  const verdicts: Verdict[] = [];
  const bareAwait = cases.find(({ name, library }) => library === 'bare' && AWAITS.has(name))?.nsPerOp.min;
  for (const { name, library, ratio } of cases) {
    const most = RATIOS[name];
    if (library !== 'fuseboard' || most === undefined) continue;
    const condition = ON_ANY_CORE.has(name)
      ? ''
      : ` where a bare await takes ${BARE_AWAIT_NS} ns, here ${bareAwait?.toFixed(1) ?? 'not measured'}`;
    const row = `${name}: ${ratio.toFixed(2)} x the bare call; the budget is ${most} x${condition}`;
    const counts = ON_ANY_CORE.has(name) || (bareAwait !== undefined && bareAwait >= BARE_AWAIT_NS);
    verdicts.push({ row, verdict: counts ? metIf(ratio <= most) : 'not judged' });
  }
  return verdicts;
}

function ratiosToCases(cases: readonly Measured[]): Verdict[] {
  return cases.flatMap(({ name, library, ratio }) => {
    const compared = COMPARED[name];
    const other = cases.find((each) => each.library === library && each.name === compared?.to);
    if (library !== 'fuseboard' || compared === undefined || other === undefined) return [];
    const times = ratio / other.ratio;
    const row = `${name}: ${times.toFixed(2)} x "${compared.to}"; the budget is ${compared.most} x`;
    return [{ row, verdict: metIf(times <= compared.most) }];
  });
}

function ratiosToPeers(cases: readonly Measured[]): Verdict[] {
  const verdicts: Verdict[] = [];
  const least = (name: CaseName, library: string) =>
    cases.find((each) => each.name === name && each.library === library)?.nsPerOp.min;
  for (const { name, peer, of, most } of PEERS) {
    const [own, theirs] = [least(name, 'fuseboard'), least(of, peer)];
    if (own === undefined || theirs === undefined) continue;
    const ratio = own / theirs;
    const row = `${name}: ${ratio.toFixed(2)} x "${of}" of ${peer}; the budget is ${most} x`;
    verdicts.push({ row, verdict: metIf(ratio <= most) });
  }
  return verdicts;
}

function resting(memory: readonly Memory[]): Verdict[] {
  const own = memory.find(({ library }) => library === 'fuseboard');
  if (own === undefined) return [];
  const { bytesEach, timers, idleCpuPercent } = own;
  return [
    {
      row: `memory: ${bytesEach} bytes a breaker; the budget is ${BYTES_EACH}`,
      verdict: metIf(bytesEach <= BYTES_EACH),
    },
    { row: `timers: ${timers} for idle breakers; the budget is none`, verdict: metIf(timers <= 0) },
    {
      row: `idle CPU: ${idleCpuPercent} % of a core; the budget is none`,
      verdict: metIf(idleCpuPercent <= IDLE_CPU_PERCENT),
    },
  ];
}

function metIf(isMet: boolean): Verdict['verdict'] {
  return isMet ? 'met' : 'missed';
}
