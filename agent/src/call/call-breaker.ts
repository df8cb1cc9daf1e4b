import type { Circuit } from '../core/circuit.ts';
import type { Clock } from '../core/clock.ts';
import type { Timeouts } from '../core/layers/timeout.ts';
import type { CallLayers } from './call-layers.ts';

/** What a call needs of its breaker: the circuit, the layers around it, and name and key for messages. */
export interface CallBreaker {
  readonly name: string;
  /** The key of the circuit. Absent: the circuit of the breaker itself. */
  readonly key: string | undefined;
  readonly circuit: Circuit;
  readonly clock: Clock;
  readonly timeouts: Timeouts;
  /** From 0 to below 1. */
  random(): number;
  /** The breaker that has this key. Absent: this is the breaker itself. */
  readonly parent: CallBreaker | undefined;
  /** Absent: no policy of this breaker has asked for more than a circuit and a fixed time limit so far. */
  readonly layers: CallLayers | undefined;
}
