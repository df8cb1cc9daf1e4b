import { BreakerState, Circuit, type Module, Retry, SlidingTimeBreaker, Timeout } from 'mollitia';
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

const breaker = (kind: number, more: object = {}) =>
  new SlidingTimeBreaker({
    slidingWindowSize: 1_000 * (kind + 1),
    minimumNumberOfCalls: 10 + kind,
    failureRateThreshold: 50 + kind,
    slowCallRateThreshold: 80,
    slowCallDurationThreshold: 1_000 * (kind + 1),
    openStateDelay: 2_000_000_000,
    ...more,
  });

const make = (modules: (kind: number) => Module[], action: (kind: number) => Action = (kind) => at(functions, kind)) =>
  fill((kind) => new Circuit({ name: `mollitia-${kind}`, func: action(kind), options: { modules: modules(kind) } }));

const executing = (modules: (kind: number) => Module[]) => (): Subject => {
  const all = make(modules);
  return subject(
    all,
    oneByOne((i) => at(all, i).execute()),
  );
};

const subject = (all: Circuit[], run: Batch): Subject => ({
  run,
  end: () => {
    for (const circuit of all) circuit.dispose();
  },
});

const open = (kind: number) => breaker(kind, { state: BreakerState.OPENED });

export const mollitia: Library = {
  name: 'mollitia',
  cases: {
    closed: executing((kind) => [breaker(kind)]),
    'timeout, signal unused': executing((kind) => [breaker(kind), new Timeout({ delay: 1_000 * (kind + 2) })]),
    'retry configured, unused': executing((kind) => [new Retry({ attempts: 2, interval: 1 }), breaker(kind)]),
    '1,000 in flight': () => {
      const all = make(
        (kind) => [breaker(kind)],
        () => (wait) => (wait as Action)(),
      );
      return subject(
        all,
        allAtOnce((i, wait) => at(all, i).execute(wait)),
      );
    },
    'failing, 1k samples': surviving(1_000),
    'failing, 10k samples': surviving(10_000),
    rejected: () => {
      const all = make((kind) => [open(kind)]);
      return subject(
        all,
        oneByOne((i) => at(all, i).execute().catch(ignore)),
      );
    },
  },
  async makeAndUse(i) {
    let down = false;
    const circuit = new Circuit({
      name: `mollitia-${i}`,
      func: () => (down ? failing[0]!() : functions[0]!()),
      options: {
        modules: [
          new SlidingTimeBreaker({
            slidingWindowSize: 10_000,
            minimumNumberOfCalls: 20,
            failureRateThreshold: 50,
            openStateDelay: 30_000,
          }),
        ],
      },
    });
    for (let call = 0; call < 10; call++) await circuit.execute();
    down = true;
    for (let call = 0; call < 2; call++) await circuit.execute().catch(ignore);
    return circuit;
  },
};

/** Not with 100,000 samples: to fill the windows alone would take minutes. */
function surviving(samples: number) {
  return async (): Promise<Subject> => {
    let down = false;
    const all = make(
      (kind) => [breaker(kind, { slidingWindowSize: 600_000 + kind, minimumNumberOfCalls: 1e9 })],
      (kind) => () => (down ? at(failing, kind)() : at(functions, kind)()),
    );
    for (const each of all) for (let i = 0; i < samples; i++) await each.execute();
    down = true;
    return subject(
      all,
      oneByOne((i) => at(all, i).execute().catch(ignore)),
    );
  };
}
