import { BreakerCore } from '../../agent/src/core/breaker.ts';
import { type Config, compile } from '../../agent/src/core/config/config.ts';
import type { TransitionEvent } from '../../agent/src/core/state.ts';

/** A breaker of the agent's own core, with a clock and a chance that a drawing sets. */
export interface Played {
  readonly breaker: BreakerCore;
  readonly heard: TransitionEvent[];
  /** Milliseconds. */
  now: number;
  /** From 0 to below 1. */
  chance: number;
}

/** @throws Error that names the field, for a spec that an agent would refuse. */
export function configOf(spec: object): Config {
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(`${compiled.field}: ${compiled.message}`);
  return compiled.config;
}

export function play(spec: object): Played {
  const heard: TransitionEvent[] = [];
  const played = { heard, now: 0, chance: 0 };
  const breaker = new BreakerCore(configOf(spec), {
    clock: { now: () => played.now },
    random: () => played.chance,
    wallNow: () => played.now,
    transitioned: (event) => void heard.push(event),
  });
  return Object.assign(played, { breaker });
}
