import type { CircuitPermit } from '../../agent/src/core/circuit-permit.ts';
import type { Reason, State } from '../../agent/src/core/state.ts';
import { compileSpec, simulate } from './core.ts';

/** A change of state with every reason that was seen for it. */
export interface Transition {
  readonly from: State;
  readonly to: State;
  readonly reasons: readonly Reason[];
}

const COUNTS: object[] = [{ consecutiveFailures: 3 }, { failureCount: 4, window: { type: 'Time', duration: '30s' } }];
const RATES: object[] = [
  { failureRate: { thresholdPercent: 50 }, minimumCalls: 4 },
  { slowCallRate: { thresholdPercent: 50, slowerThan: '1s' }, failureRate: { thresholdPercent: 90 }, minimumCalls: 4 },
];
const HALF_OPENS: object[] = [
  {},
  { maxProbes: 3, successThreshold: 2, probeTimeout: '5s' },
  { strategy: 'Ramp', rampDuration: '5s' },
];
const TOGETHER = { maxProbes: 4, evaluate: 'FailureRate' };
const MODES = ['Enforce', 'Enforce', 'Shadow', 'Disabled'];
const STEPS = 60_000;

/**
 * Which changes of state there are, and why: found by leading a circuit of the agent's about at random, through
 * calls, waits, edits and hands. The draws are the same in each run.
 */
export function transitions(): Transition[] {
  const draw = seededRandom(7);
  const pick = <T>(all: readonly T[]): T => all[Math.floor(draw() * all.length)]!;
  const spec = () => {
    const byRate = draw() < 0.5;
    const halfOpen = pick(byRate ? [...HALF_OPENS, TOGETHER] : HALF_OPENS);
    return { mode: pick(MODES), trip: pick(byRate ? RATES : COUNTS), recovery: { openDuration: '10s', halfOpen } };
  };
  const simulation = simulate(spec());
  const { circuit, transitions: events } = simulation;
  const permits: CircuitPermit[] = [];
  const settleOne = () => {
    const permit = permits.splice(Math.floor(draw() * permits.length), 1)[0];
    if (permit) circuit.settle(permit, draw() < 0.6 ? 'failure' : 'success');
  };
  for (let step = 0; step < STEPS; step++) {
    const roll = draw();
    simulation.random = draw();
    simulation.now += roll < 0.9 ? draw() * 400 : draw() * 9_000;
    if (roll < 0.5) {
      const permit = circuit.enter();
      if (permit) permits.push(permit);
    } else if (roll < 0.95) settleOne();
    else if (roll < 0.97) circuit.configure(compileSpec(spec()), draw() < 0.3);
    else if (roll < 0.98) circuit.forceOpen(draw() * 5_000, 'manual');
    else if (roll < 0.985) circuit.forceClosed(draw() * 2_000, 'manual');
    else if (roll < 0.99) circuit.reset();
  }
  return collect(events);
}

function collect(events: readonly { from: State; to: State; reason: Reason }[]): Transition[] {
  const found = new Map<string, { from: State; to: State; reasons: Set<Reason> }>();
  for (const { from, to, reason } of events) {
    const key = `${from} ${to}`;
    const one = found.get(key) ?? { from, to, reasons: new Set<Reason>() };
    found.set(key, one);
    one.reasons.add(reason);
  }
  return [...found.values()].map(({ reasons, ...change }) => ({ ...change, reasons: [...reasons].sort() }));
}

/** A random generator from 0 to below 1 (mulberry32) with a fixed seed, so that the drawing is the same each time. */
function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
