import Brakes from 'brakes';
import { allAtOnce, at, failing, fill, functions, ignore, type Library, oneByOne, type Subject } from '../subject.ts';

type Action = (...args: unknown[]) => Promise<unknown>;

const make = (action: (kind: number) => Action, waitThreshold = (kind: number) => 10 + kind) =>
  fill(
    (kind) =>
      new Brakes(action(kind), {
        name: `brakes-${kind}`,
        isPromise: true,
        threshold: (50 + kind) / 100,
        waitThreshold: waitThreshold(kind),
        bucketSpan: 100 * (kind + 1),
        bucketNum: 10,
        circuitDuration: 2_000_000_000,
        timeout: 1_000 * (kind + 2),
      }),
  );

const executing = (): Subject => {
  const all = make((kind) => at(functions, kind));
  return { run: oneByOne((i) => at(all, i).exec()) };
};

/**
 * Its samples are the calls of ten buckets; the library throws them away as fast as its timers run. With some 100,000
 * calls in a bucket those timers throw a RangeError, which ends the process: it has no case with as many.
 */
const surviving = (samples: number) => async (): Promise<Subject> => {
  let down = false;
  const all = fill(
    (kind) =>
      new Brakes(() => (down ? at(failing, kind)() : at(functions, kind)()), {
        name: `brakes-${kind}`,
        isPromise: true,
        waitThreshold: 1e9,
        modifyError: false,
        bucketSpan: 60_000 + kind,
        bucketNum: 10,
      }),
  );
  for (const breaker of all) for (let i = 0; i < samples; i++) await breaker.exec();
  down = true;
  return { run: oneByOne((i) => at(all, i).exec().catch(ignore)) };
};

const opened = () => {
  const all = make((kind) => at(functions, kind));
  for (const breaker of all) breaker._open();
  return all;
};

/** A breaker of this library always has a time limit. */
export const brakes: Library = {
  name: 'brakes',
  cases: {
    closed: executing,
    'timeout, signal unused': executing,
    '1,000 in flight': () => {
      const all = make(() => (wait) => (wait as Action)());
      return { run: allAtOnce((i, wait) => at(all, i).exec(wait)) };
    },
    'failing, 1k samples': surviving(1_000),
    'failing, 10k samples': surviving(10_000),
    rejected: () => {
      const all = opened();
      return { run: oneByOne((i) => at(all, i).exec().catch(ignore)) };
    },
    'rejected, with a fallback': () => {
      const all = opened();
      for (const breaker of all) breaker.fallback(async () => undefined);
      return { run: oneByOne((i) => at(all, i).exec()) };
    },
  },
  async makeAndUse(i) {
    let down = false;
    const breaker = new Brakes(() => (down ? failing[0]!() : functions[0]!()), {
      name: `brakes-${i}`,
      isPromise: true,
      threshold: 0.5,
      waitThreshold: 20,
      bucketSpan: 1_000,
      bucketNum: 10,
      circuitDuration: 30_000,
      modifyError: false,
    });
    for (let call = 0; call < 10; call++) await breaker.exec();
    down = true;
    for (let call = 0; call < 2; call++) await breaker.exec().catch(ignore);
    return breaker;
  },
};
