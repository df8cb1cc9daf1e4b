import { mock } from 'node:test';
import {
  type CircuitBreakerPolicy,
  CircuitState,
  ConsecutiveBreaker,
  CountBreaker,
  circuitBreaker,
  handleType,
  type IBreaker,
  SamplingBreaker,
} from 'cockatiel';
import Opossum from 'opossum';
import type { Peer } from './peer.ts';
import type { Observation, Outcome, Step } from './sequence.ts';

class Down extends Error {}
class Ignored extends Error {}

/** A library in this process, under clock and timers that only a step moves. */
interface Subject {
  /** Calls through the library. A promise that stays open is a call under way, or one that waits. */
  call(work: () => Promise<unknown>): Promise<unknown>;
  isRejection(error: unknown): boolean;
  look(): Omit<Observation, 'admission'>;
  end(): void;
}

export const opossum: Peer = {
  name: 'opossum',
  replay: (config, steps) => replay(() => opossumSubject(config as Opossum.Options), steps),
  end: async () => {},
};

export const cockatiel: Peer = {
  name: 'cockatiel',
  replay: (config, steps) => replay(() => cockatielSubject(config as CockatielConfig), steps),
  end: async () => {},
};

function opossumSubject(config: Opossum.Options): Subject {
  // The options are copied because opossum writes into them.
  const breaker = new Opossum((work: () => Promise<unknown>) => work(), {
    ...config,
    errorFilter: (error: Error) => error instanceof Ignored,
  });
  return {
    call: (work) => breaker.fire(work),
    isRejection: (error) => (error as { code?: string }).code === 'EOPENBREAKER',
    look: () => ({
      state: breaker.opened ? 'open' : breaker.halfOpen ? 'half-open' : 'closed',
      calls: breaker.stats.fires,
      failures: breaker.stats.failures,
    }),
    end: () => breaker.shutdown(),
  };
}

interface CockatielConfig {
  readonly halfOpenAfter: number;
  readonly consecutive?: number;
  readonly count?: ConstructorParameters<typeof CountBreaker>[0];
  readonly sampling?: ConstructorParameters<typeof SamplingBreaker>[0];
}

function cockatielSubject({ halfOpenAfter, consecutive, count, sampling }: CockatielConfig): Subject {
  const breaker: IBreaker =
    count !== undefined
      ? new CountBreaker(count)
      : sampling !== undefined
        ? new SamplingBreaker(sampling)
        : new ConsecutiveBreaker(consecutive!);
  const policy: CircuitBreakerPolicy = circuitBreaker(handleType(Down), { halfOpenAfter, breaker });
  const STATES = { [CircuitState.Closed]: 'closed', [CircuitState.HalfOpen]: 'half-open' } as const;
  return {
    call: (work) => policy.execute(work),
    isRejection: (error) => (error as { isBrokenCircuitError?: boolean }).isBrokenCircuitError === true,
    look: () => ({ state: STATES[policy.state as CircuitState.Closed] ?? 'open', ...cockatielCounts(breaker) }),
    end: () => {},
  };
}

function cockatielCounts({ state }: IBreaker): { calls: number; failures: number } {
  if (typeof state === 'number') return { calls: state, failures: state };
  const counts = state as Record<'failures' | 'successes' | 'currentFailures' | 'currentSuccesses', number | undefined>;
  const failures = counts.currentFailures ?? counts.failures ?? 0;
  return { calls: failures + (counts.currentSuccesses ?? counts.successes ?? 0), failures };
}

async function replay(make: () => Subject, steps: readonly Step[]): Promise<Observation[]> {
  mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 0 });
  const subject = make();
  const running = new Map<number, (outcome: Outcome) => void>();
  const begin = async (call: number): Promise<Observation['admission']> => {
    let admission: Observation['admission'] = 'waiting';
    const work = () =>
      new Promise((resolve, reject) => {
        admission = 'admitted';
        running.set(call, (outcome) => {
          if (outcome === 'success') resolve('fine');
          else reject(new (outcome === 'failure' ? Down : Ignored)(outcome));
        });
      });
    subject.call(work).catch((error) => {
      if (subject.isRejection(error)) admission = 'rejected';
    });
    await flushPromises();
    return admission;
  };
  try {
    const seen: Observation[] = [];
    for (const step of steps) {
      let admission: Observation['admission'];
      if (step.do === 'begin') admission = await begin(step.call);
      else if (step.do === 'end') running.get(step.call)?.(step.outcome);
      else mock.timers.tick(step.ms);
      await flushPromises();
      seen.push({ ...(admission === undefined ? {} : { admission }), ...subject.look() });
    }
    return seen;
  } finally {
    subject.end();
    mock.timers.reset();
  }
}

/** Lets every promise that can settle do so. */
function flushPromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
