import type { Memory } from './memory.ts';
import type { Measured } from './rounds.ts';
import { CASES, type CaseName } from './subject.ts';

/** How many times the bare call each case may cost. */
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

/** How many times another case, as ratios to the bare call, a case may cost. */
export const COMPARED: Partial<Record<CaseName, { readonly to: CaseName; readonly most: number }>> = {
  'closed, recording off': { to: 'closed', most: 1.15 },
  'concurrency, adaptive': { to: 'concurrency, fixed', most: 3 },
};

/**
 * A ratio to a bare await says more about the core where that is faster than this: a whole call does not become faster
 * in step. There the budgets against peers decide.
 */
const AWAIT_NS = 45;
const TO_A_BARE_AWAIT: readonly CaseName[] = [
  'closed',
  'closed, exact clock',
  'enter and succeed',
  'timeout, signal unused',
];

/** How many times a case of cockatiel, the fastest of the peers, a case may cost. */
const TO_COCKATIEL: Partial<Record<CaseName, { readonly to: CaseName; readonly most: number }>> = {
  closed: { to: 'closed', most: 0.5 },
  'closed, exact clock': { to: 'closed', most: 0.9 },
  'failing, 1k samples': { to: 'failing, 1k samples', most: 0.9 },
  'failing, 10k samples': { to: 'failing, 10k samples', most: 0.9 },
  'failing, 100k samples': { to: 'failing, 100k samples', most: 0.9 },
};

const BYTES_EACH = 600;
/** Of one core, for all ten thousand, above a process that does nothing. */
const IDLE_CPU_PERCENT = 0.5;

/** The rows of the budget that a run missed, in words. A case that was not measured is not missed. */
export function missed(cases: readonly Measured[], memory: readonly Memory[]): string[] {
  const rows: string[] = [];
  const of = (library: string, name: CaseName) => cases.find((each) => each.library === library && each.name === name);
  const compare = (name: CaseName, { to, most }: { readonly to: CaseName; readonly most: number }, library: string) => {
    const [own, other] = [of('fuseboard', name), of(library, to)];
    if (own === undefined || other === undefined) return;
    const times = own.ratio / other.ratio;
    if (times <= most) return;
    const whose = library === 'fuseboard' ? '' : ` of ${library}`;
    rows.push(`${name}: ${times.toFixed(2)} x "${to}"${whose}; the budget is ${most} x`);
  };
  for (const name of CASES) {
    const own = of('fuseboard', name);
    const most = RATIOS[name];
    const isFastCore = TO_A_BARE_AWAIT.includes(name) && (of('bare', name)?.nsPerOp.min ?? 0) < AWAIT_NS;
    if (own !== undefined && most !== undefined && own.ratio > most && !isFastCore) {
      rows.push(`${name}: ${own.ratio.toFixed(2)} x the bare call; the budget is ${most} x`);
    }
    if (COMPARED[name] !== undefined) compare(name, COMPARED[name], 'fuseboard');
    if (TO_COCKATIEL[name] !== undefined) compare(name, TO_COCKATIEL[name], 'cockatiel');
  }
  const own = memory.find(({ library }) => library === 'fuseboard');
  if (own === undefined) return rows;
  if (own.bytesEach > BYTES_EACH) rows.push(`memory: ${own.bytesEach} bytes a breaker; the budget is ${BYTES_EACH}`);
  if (own.timers > 0) rows.push(`timers: ${own.timers} for idle breakers; the budget is none`);
  if (own.idleCpuPercent > IDLE_CPU_PERCENT)
    rows.push(`idle CPU: ${own.idleCpuPercent} % of a core; the budget is none`);
  return rows;
}
