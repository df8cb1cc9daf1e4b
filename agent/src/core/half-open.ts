import type { Environment } from './clock.ts';
import type { Config } from './config/config.ts';
import type { Probing, Ramping, Reason } from './state.ts';
import { trippedByRate } from './trip.ts';

/** The state that ends a half-open one, and why. */
export interface Decision {
  readonly to: 'open' | 'closed';
  readonly reason: Reason;
}

/** The half-open state of a configuration, before its first call. */
export function beginHalfOpen({ strategy }: Config, since: number): Probing | Ramping {
  if (strategy === 'Ramp') {
    return { kind: 'half-open', since, probes: undefined, startedAt: undefined, succeeded: false };
  }
  return { kind: 'half-open', since, probes: new Set(), calls: 0, failures: 0, slow: 0, successes: 0 };
}

/** Whether one more probe may begin. */
export function canProbe({ probes, calls }: Probing, { maxProbes, evaluate }: Config): boolean {
  return probes.size + (evaluate === 'FailureRate' ? calls : 0) < maxProbes;
}

/**
 * Whether a ramp admits a call. The share of admitted calls is 2^(t / rampDuration) - 1, which grows from 0 to 1,
 * slowly at first, as in aiomisc. The first call starts the ramp and is always admitted.
 */
export function rampAdmits(state: Ramping, { rampMs }: Config, now: number, environment: Environment): boolean {
  if (state.startedAt === undefined) {
    state.startedAt = now;
    return true;
  }
  const part = (now - state.startedAt) / rampMs;
  return part >= 1 || environment.random() < 2 ** part - 1;
}

/** Whether a ramp closes the circuit: its time is over, and a call succeeded. */
export function isRampOver({ startedAt, succeeded }: Ramping, { rampMs }: Config, now: number): boolean {
  return now - startedAt! >= rampMs && succeeded;
}

/**
 * Counts a probe that ended.
 *
 * @param reason why the circuit opens if this probe alone opens it.
 * @param overdue reads how many probes under way are slow already.
 * @returns what the probes decide; undefined: nothing yet.
 */
export function recordProbe(
  state: Probing,
  config: Config,
  { failed, slow }: { readonly failed: boolean; readonly slow: boolean },
  reason: Reason,
  overdue: () => number,
): Decision | undefined {
  state.calls++;
  if (failed) state.failures++;
  if (slow) state.slow++;
  if (!failed && !slow) state.successes++;
  if (config.evaluate === 'FailureRate') return evaluateProbes(state, config, overdue);
  if (failed || slow) return { to: 'open', reason };
  return state.successes >= config.successThreshold ? { to: 'closed', reason: 'probe-succeeded' } : undefined;
}

/** Decides by the rates of all probes together; undefined: too few probes have ended. */
export function evaluateProbes(state: Probing, config: Config, overdue: () => number): Decision | undefined {
  const enough = Math.min(config.minimumCalls, config.maxProbes);
  if (state.calls < enough) return undefined;
  const reason = trippedByRate(config.trip, state, overdue(), enough);
  return reason === undefined ? { to: 'closed', reason: 'probe-succeeded' } : { to: 'open', reason };
}
