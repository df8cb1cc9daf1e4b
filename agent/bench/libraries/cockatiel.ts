import {
  type CircuitBreakerPolicy,
  ConstantBackoff,
  circuitBreaker,
  fallback,
  handleAll,
  retry,
  SamplingBreaker,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import { allAtOnce, at, failing, fill, functions, ignore, type Library, oneByOne, type Subject } from '../subject.ts';

const make = (minimumRps = 1): CircuitBreakerPolicy[] =>
  fill((kind) =>
    circuitBreaker(handleAll, {
      halfOpenAfter: 24 * 3_600_000,
      breaker: new SamplingBreaker({ threshold: (50 + kind) / 100, duration: 1_000 * (kind + 1), minimumRps }),
    }),
  );

const timed = () =>
  make().map((breaker, kind) => wrap(breaker, timeout(1_000 * (kind + 2), TimeoutStrategy.Aggressive)));

/** This library keeps counts in a window of ten buckets, however many samples there are. */
const surviving = (samples: number) => async (): Promise<Subject> => {
  const all = fill((kind) =>
    circuitBreaker(handleAll, {
      halfOpenAfter: 24 * 3_600_000,
      breaker: new SamplingBreaker({ threshold: 0.5, duration: 60_000 * (10 + kind), minimumRps: 1e9 }),
    }),
  );
  for (const breaker of all) for (let i = 0; i < samples; i++) await breaker.execute(functions[0]!);
  return { run: oneByOne((i) => at(all, i).execute(at(failing, i)).catch(ignore)) };
};

const opened = (): CircuitBreakerPolicy[] => {
  const all = make();
  for (const breaker of all) breaker.isolate();
  return all;
};

export const cockatiel: Library = {
  name: 'cockatiel',
  cases: {
    closed: () => {
      const all = make();
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
    },
    'timeout, signal unused': () => {
      const all = timed();
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
    },
    'timeout, signal used': () => {
      const all = timed();
      return {
        run: oneByOne((i) => at(all, i).execute(({ signal }) => (signal.aborted ? undefined : at(functions, i)()))),
      };
    },
    'retry configured, unused': () => {
      const again = retry(handleAll, { maxAttempts: 2, backoff: new ConstantBackoff(1) });
      const all = make().map((breaker) => wrap(again, breaker));
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
    },
    '1,000 in flight': () => {
      const all = make();
      return { run: allAtOnce((i, wait) => at(all, i).execute(wait)) };
    },
    'failing, 1k samples': surviving(1_000),
    'failing, 10k samples': surviving(10_000),
    'failing, 100k samples': surviving(100_000),
    rejected: () => {
      const all = opened();
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i)).catch(ignore)) };
    },
    'rejected, with a fallback': () => {
      const all = opened().map((breaker) => wrap(fallback(handleAll, ignore), breaker));
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
    },
  },
  async makeAndUse() {
    const breaker = circuitBreaker(handleAll, {
      halfOpenAfter: 30_000,
      breaker: new SamplingBreaker({ threshold: 0.5, duration: 10_000, minimumRps: 2 }),
    });
    for (let call = 0; call < 10; call++) await breaker.execute(at(functions, call));
    for (let call = 0; call < 2; call++) await breaker.execute(at(failing, call)).catch(ignore);
    return breaker;
  },
};
