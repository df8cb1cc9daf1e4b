import { performance } from 'node:perf_hooks';
import { type Breaker, getBreaker, type PolicyDefaults } from '@fuseboard/agent';
import { grpcInterceptor } from '@fuseboard/agent/grpc';
import { record } from '@fuseboard/agent/recording';
import { createBreaker } from '@fuseboard/agent/testing';
import {
  allAtOnce,
  at,
  failing,
  fill,
  functions,
  ignore,
  type Library,
  oneByOne,
  type Subject,
  synchronously,
} from '../subject.ts';
import { unary } from '../unary.ts';

let made = 0;

/** Breakers as programs get them, on the clock of the process. */
const breakers = (policy: (kind: number) => PolicyDefaults): Breaker[] =>
  fill((kind) => getBreaker(`bench-${made++}`, { defaults: policy(kind) }));

const windowOf = (kind: number): NonNullable<PolicyDefaults['trip']>['window'] =>
  kind % 2 === 0 ? { type: 'Time', duration: `${kind + 1}s` } : { type: 'Count', size: 100 * (kind + 1) };

/** Every way to open that calls which go well never use. */
const everything = (kind: number): PolicyDefaults => ({
  trip: {
    window: windowOf(kind),
    minimumCalls: 10 + kind,
    failureRate: { thresholdPercent: 50 + kind },
    slowCallRate: { thresholdPercent: 80 + kind, slowerThan: `${kind + 1}s` },
    failureCount: 20 + kind,
    consecutiveFailures: 5 + kind,
  },
  recovery: { openDuration: '24h' },
});

const executing = (policy: (kind: number) => PolicyDefaults): Subject => {
  const all = breakers(policy);
  return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
};

const opened = (): Breaker[] => {
  const all = breakers(everything);
  for (const breaker of all) while (breaker.state === 'closed') breaker.enter()?.fail();
  return all;
};

/** Breakers whose windows hold so many samples, and that no failure opens. */
const surviving = (samples: number) => (): Subject => {
  const all = breakers((kind) => ({
    trip: {
      window: kind % 2 === 0 ? { type: 'Time', duration: `${10 + kind}m` } : { type: 'Count', size: samples },
      consecutiveFailures: 1_000_000,
    },
  }));
  for (const breaker of all) for (let i = 0; i < samples; i++) breaker.enter()?.succeed();
  const held = all.map((breaker) => breaker.stats().window.calls);
  if (held.some((calls) => calls !== samples)) throw new Error(`windows hold ${held} calls, not ${samples}`);
  return {
    run: oneByOne((i) => at(all, i).execute(at(failing, i)).catch(ignore)),
    end: () => {
      if (all.some(({ state }) => state !== 'closed')) throw new Error('a breaker that was to stay closed opened');
    },
  };
};

/** Whether this version applies `retry`: a policy's unknown fields are ignored. */
async function retries(policy: PolicyDefaults): Promise<boolean> {
  let calls = 0;
  const fail = async () => {
    calls++;
    throw new Error('down');
  };
  await breakers(() => policy)[0]!
    .execute(fail)
    .catch(ignore);
  return calls > 1;
}

export const fuseboard: Library = {
  name: 'fuseboard',
  cases: {
    closed: () => executing(everything),
    'closed, exact clock': () => {
      const clock = { now: () => performance.now() };
      const all = fill((kind) => createBreaker(everything(kind), { clock }));
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i))) };
    },
    'closed, recording off': async () => {
      await record({ write: ignore })?.stop();
      return executing(everything);
    },
    'closed, recording on': () => {
      const recording = record({ write: ignore });
      // Lines are made between the turns that are measured, as they are between the calls of a service.
      return { ...executing(everything), end: () => void recording?.stop() };
    },
    'enter and succeed': () => {
      const all = breakers(everything);
      return {
        run: async (calls) => {
          for (let i = 0; i < calls; i++) {
            const permit = at(all, i).enter();
            await at(functions, i)();
            permit?.succeed();
          }
        },
      };
    },
    'timeout, signal unused': () =>
      executing((kind) => ({ ...everything(kind), timeout: { duration: `${kind + 2}s` } })),
    'timeout, signal used': () => {
      const all = breakers((kind) => ({ ...everything(kind), timeout: { duration: `${kind + 2}s` } }));
      return {
        run: oneByOne((i) => at(all, i).execute(({ signal }) => (signal.aborted ? undefined : at(functions, i)()))),
      };
    },
    'retry configured, unused': async () => {
      const retry = { maxAttempts: 3, backoff: { initial: '1ms' } };
      const policy = (kind: number) => ({ ...everything(kind), retry }) as PolicyDefaults;
      return (await retries(policy(0))) ? executing(policy) : undefined;
    },
    'concurrency, fixed': () =>
      executing((kind) => ({ ...everything(kind), concurrency: { maxConcurrent: 20 + kind } })),
    'concurrency, adaptive': () =>
      executing((kind) => ({ ...everything(kind), concurrency: { maxConcurrent: 20 + kind, adaptive: {} } })),
    '1,000 in flight': () => {
      const all = breakers(everything);
      return { run: allAtOnce((i, wait) => at(all, i).execute(wait)) };
    },
    sync: () => {
      const all = breakers(everything);
      const numbers = fill((kind) => () => kind);
      return { run: synchronously((i) => at(all, i).executeSync(at(numbers, i))) };
    },
    'failing, 1k samples': surviving(1_000),
    'failing, 10k samples': surviving(10_000),
    'failing, 100k samples': surviving(100_000),
    rejected: () => {
      const all = opened();
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i)).catch(ignore)) };
    },
    'rejected, with a fallback': () => {
      const all = opened();
      return { run: oneByOne((i) => at(all, i).execute(at(functions, i), { fallback: ignore })) };
    },
    'enter, null': () => {
      const all = opened();
      return {
        run: async (calls) => {
          for (let i = 0; i < calls; i++) if (at(all, i).enter() !== null) throw new Error('an open breaker admitted');
        },
      };
    },
    'a unary call of gRPC': async () => {
      const { call, end } = await unary();
      const all = breakers(everything);
      return { run: oneByOne((i) => at(all, i).execute(call)), end };
    },
    'gRPC interceptor': async () => {
      const all = breakers(everything);
      let calls = 0;
      const { call, end } = await unary([grpcInterceptor(() => at(all, calls++))]);
      return { run: oneByOne(call), end };
    },
  },
  async makeAndUse(i) {
    const breaker = getBreaker(`breaker-${i}`, {
      defaults: {
        trip: {
          window: { type: 'Time', duration: '10s' },
          minimumCalls: 20,
          failureRate: { thresholdPercent: 50 },
        },
        recovery: { openDuration: '30s' },
      },
    });
    for (let call = 0; call < 10; call++) await breaker.execute(at(functions, call));
    for (let call = 0; call < 2; call++) await breaker.execute(at(failing, call)).catch(ignore);
    return breaker;
  },
};
