import type { Observation, Step } from './sequence.ts';

/** Another library, or ours, in which a sequence can be replayed. */
export interface Peer {
  readonly name: string;
  /** Starts a breaker with this configuration, lets it go through the steps and says what it showed after each. */
  replay(config: object, steps: readonly Step[]): Promise<Observation[]>;
  end(): Promise<void>;
}

/** A peer that is not on this machine, and what to install. */
export class MissingPeer extends Error {
  override readonly name = 'MissingPeer';
}
