import CircuitBreaker from 'opossum';
import {
  allAtOnce,
  at,
  type Batch,
  failing,
  fill,
  functions,
  ignore,
  type Library,
  oneByOne,
  type Subject,
} from '../subject.ts';

type Action = (...args: unknown[]) => Promise<unknown>;
type Options = Record<string, unknown>;

const options = (kind: number): Options => ({
  timeout: false,
  errorThresholdPercentage: 50 + kind,
  volumeThreshold: 10 + kind,
  rollingCountTimeout: 1_000 * (kind + 1),
  resetTimeout: 24 * 3_600_000,
});

const make = (action: (kind: number) => Action, more: (kind: number) => Options = () => ({})) =>
  fill((kind) => new CircuitBreaker(action(kind), { ...options(kind), ...more(kind) }));

const subject = (all: CircuitBreaker<unknown[], unknown>[], run: Batch): Subject => ({
  run,
  end: () => {
    for (const breaker of all) breaker.shutdown();
  },
});

const succeeding = (more?: (kind: number) => Options) => (): Subject => {
  const all = make((kind) => at(functions, kind), more);
  return subject(
    all,
    oneByOne((i) => at(all, i).fire()),
  );
};

const surviving = (samples: number) => async (): Promise<Subject> => {
  let down = false;
  const all = make(
    (kind) => () => (down ? at(failing, kind)() : at(functions, kind)()),
    (kind) => ({ volumeThreshold: 1e9, rollingCountTimeout: 60_000 * (10 + kind) }),
  );
  for (const breaker of all) for (let i = 0; i < samples; i++) await breaker.fire();
  down = true;
  return subject(
    all,
    oneByOne((i) => at(all, i).fire().catch(ignore)),
  );
};

const opened = (): CircuitBreaker<unknown[], unknown>[] => {
  const all = make((kind) => at(functions, kind));
  for (const breaker of all) breaker.open();
  return all;
};

export const opossum: Library = {
  name: 'opossum',
  cases: {
    closed: succeeding(),
    'timeout, signal unused': succeeding((kind) => ({ timeout: 1_000 * (kind + 2) })),
    '1,000 in flight': () => {
      const all = make(() => (wait) => (wait as Action)());
      return subject(
        all,
        allAtOnce((i, wait) => at(all, i).fire(wait)),
      );
    },
    'failing, 1k samples': surviving(1_000),
    'failing, 10k samples': surviving(10_000),
    'failing, 100k samples': surviving(100_000),
    rejected: () => {
      const all = opened();
      return subject(
        all,
        oneByOne((i) => at(all, i).fire().catch(ignore)),
      );
    },
    'rejected, with a fallback': () => {
      const all = opened();
      for (const breaker of all) breaker.fallback(ignore);
      return subject(
        all,
        oneByOne((i) => at(all, i).fire()),
      );
    },
  },
  async makeAndUse() {
    let down = false;
    const breaker = new CircuitBreaker(() => (down ? failing[0]!() : functions[0]!()), {
      timeout: false,
      errorThresholdPercentage: 50,
      volumeThreshold: 20,
      rollingCountTimeout: 10_000,
      resetTimeout: 30_000,
    });
    for (let call = 0; call < 10; call++) await breaker.fire();
    down = true;
    for (let call = 0; call < 2; call++) await breaker.fire().catch(ignore);
    return breaker;
  },
};
