import { Circuit } from '../../agent/src/core/circuit.ts';
import { type Config, compile } from '../../agent/src/core/config/config.ts';
import type { TransitionEvent } from '../../agent/src/core/state.ts';

/** A circuit of the agent's own, with a clock and a source of randomness that a drawing sets. */
export interface CoreSimulation {
  readonly circuit: Circuit;
  readonly transitions: TransitionEvent[];
  /** Milliseconds. */
  now: number;
  /** From 0 to below 1. */
  random: number;
}

/** @throws Error that names the field, for a spec that an agent would refuse. */
export function compileSpec(spec: object): Config {
  const compiled = compile(spec);
  if (!compiled.ok) throw new Error(`${compiled.field}: ${compiled.message}`);
  return compiled.config;
}

export function simulate(spec: object): CoreSimulation {
  const transitions: TransitionEvent[] = [];
  const simulation = { transitions, now: 0, random: 0 };
  const circuit = new Circuit(compileSpec(spec), {
    clock: { now: () => simulation.now },
    random: () => simulation.random,
    wallNow: () => simulation.now,
    transitioned: (event) => void transitions.push(event),
  });
  return Object.assign(simulation, { circuit });
}
