import { after, type Case, failAfter, heard, obey, outcome, passFail, plain, type state } from './cases.ts';

/** Where this package does otherwise than opossum on purpose. */
export interface Difference {
  readonly reason: string;
  readonly run: Case;
  readonly theirs: unknown;
  readonly ours: unknown;
}

const CLOSED = { closed: true, opened: false, halfOpen: false };
const OPEN = { closed: false, opened: true, halfOpen: false };
const HALF_OPEN = { closed: false, opened: false, halfOpen: true };

function brief(breaker: Parameters<typeof state>[0]): unknown {
  const { closed, opened, halfOpen } = breaker;
  return { closed, opened, halfOpen };
}

export const DIFFERENCES: Record<string, Difference> = {
  'an action that returns nothing, without a promise': {
    reason:
      'opossum reads `then` of undefined, and so counts the call as a failure; a function that returns nothing has not failed',
    run: async ({ make }) => {
      const breaker = make(() => {});
      return [await outcome(breaker.fire()), breaker.stats.failures];
    },
    theirs: [['rejected', { message: "Cannot read properties of undefined (reading 'then')" }], 1],
    ours: [['resolved', undefined], 0],
  },
  'the options that were given': {
    reason:
      'opossum writes its defaults into the object of its caller, so that two breakers made with one object share a cache',
    run: async ({ make }) => {
      const options = { cache: true };
      make(async () => 'first', options);
      const first = make(async () => 'first', options);
      const second = make(async () => 'second', options);
      await first.fire();
      return [await outcome(second.fire()), Object.keys(options).length > 1];
    },
    theirs: [['resolved', 'first'], true],
    ours: [['resolved', 'second'], false],
  },
  'a number that is none': {
    reason:
      'opossum 10.0.0 takes it: a timeout of NaN ends each call after 1 ms; later versions of opossum refuse it as well',
    run: ({ make }) => outcome(new Promise((resolve) => resolve(brief(make(obey, { timeout: Number.NaN }))))),
    theirs: ['resolved', CLOSED],
    ours: ['rejected', { message: 'options.timeout must be a finite number; it is NaN' }],
  },
  'a success of a call from before the circuit opened': {
    reason: 'in opossum it closes a half-open circuit, though it says nothing of the other side as it is now',
    run: async ({ make, pass }) => {
      const breaker = make(() => after(150, 'late'), { resetTimeout: 100 });
      const late = outcome(breaker.fire());
      breaker.open();
      await pass(150);
      return [await late, brief(breaker)];
    },
    theirs: [['resolved', 'late'], CLOSED],
    ours: [['resolved', 'late'], HALF_OPEN],
  },
  'a failure of a call from before the circuit opened': {
    reason: 'in opossum it opens a half-open circuit again, though it says nothing of the other side as it is now',
    run: async ({ make, pass }) => {
      const breaker = make(() => failAfter(150, 'late'), { resetTimeout: 100 });
      const late = outcome(breaker.fire());
      breaker.open();
      await pass(150);
      return [await late, brief(breaker)];
    },
    theirs: [['rejected', 'late'], OPEN],
    ours: [['rejected', 'late'], HALF_OPEN],
  },
  'a test that fails while the breaker warms up': {
    reason: 'opossum then stays half-open without a test under way, and rejects every call for good',
    run: async ({ make, pass }) => {
      const breaker = make(obey, { allowWarmUp: true, resetTimeout: 100 });
      breaker.open();
      await pass(100);
      await outcome(breaker.fire('fail'));
      await pass(100);
      return [await outcome(breaker.fire('ok')), brief(breaker)];
    },
    theirs: [['rejected', { message: 'Breaker is open', code: 'EOPENBREAKER' }], HALF_OPEN],
    ours: [['resolved', 'ok'], CLOSED],
  },
  'a breaker that is used after shutdown': {
    reason: 'in opossum open and close bring it back to life, without its listeners and its statistics',
    run: async ({ make }) => {
      const breaker = make(obey);
      breaker.shutdown();
      breaker.close();
      return [breaker.isShutdown, await outcome(breaker.fire('ok'))];
    },
    theirs: [false, ['resolved', 'ok']],
    ours: [true, ['rejected', { message: 'The circuit has been shutdown.', code: 'ESHUTDOWN' }]],
  },
  'a health check after shutdown': {
    reason: 'opossum goes on calling it for as long as the process lives',
    run: async ({ make, pass }) => {
      let checks = 0;
      const breaker = make(obey);
      breaker.healthCheck(async () => void checks++, 100);
      breaker.shutdown();
      await pass(1_000);
      return checks;
    },
    theirs: 11,
    ours: 1,
  },
  'a health check that throws at once': {
    reason: 'opossum lets it end the program; it is a check that failed',
    run: async ({ make, pass }) => {
      const breaker = make(obey);
      const thrown = await outcome(
        new Promise((resolve) => {
          breaker.healthCheck(() => {
            throw new Error('unwell');
          });
          resolve('went on');
        }),
      );
      await pass(0);
      return [thrown, brief(breaker)];
    },
    theirs: [['rejected', { message: 'unwell' }], CLOSED],
    ours: [['resolved', 'went on'], OPEN],
  },
  'a listener that throws': {
    reason:
      'in opossum the call is counted twice and rejected with the error of the listener; here it becomes a process warning',
    run: async ({ make }) => {
      const breaker = make(obey, { errorThresholdPercentage: 100 });
      breaker.on('success', () => {
        throw new Error('listener');
      });
      return [await outcome(breaker.fire('ok')), breaker.stats.successes, breaker.stats.failures];
    },
    theirs: [['rejected', { message: 'listener' }], 1, 1],
    ours: [['resolved', 'ok'], 1, 0],
  },
  'an errorFilter that throws': {
    reason: 'in opossum the call never ends; here the error counts as a failure and the call is rejected with it',
    run: async ({ make, pass }) => {
      const breaker = make(
        () => {
          throw new Error('failed');
        },
        {
          errorFilter: () => {
            throw new Error('filter');
          },
        },
      );
      const call = Promise.race([outcome(breaker.fire()), after(50, 'nothing')]);
      await pass(50);
      return [await call, breaker.stats.failures];
    },
    theirs: [['rejected', { message: 'filter' }], 0],
    ours: [['rejected', { message: 'failed' }], 1],
  },
  'when the circuit opened, in toJSON': {
    reason:
      'opossum says when the breaker was made, so that a state from long ago is half-open at once in the next process',
    run: async ({ make, pass }) => {
      const madeAt = Date.now();
      const breaker = make(obey, { resetTimeout: 100 });
      await pass(1_000);
      breaker.open();
      const { state: told } = breaker.toJSON();
      const next = make(obey, { state: told, resetTimeout: 100 });
      return [told.lastTimerAt - madeAt, brief(next)];
    },
    theirs: [0, HALF_OPEN],
    ours: [1_000, OPEN],
  },
  'a cache whose transport keeps plain values': {
    reason: 'opossum gives the value back as it is, though fire promises a promise',
    run: async ({ make }) => {
      const cacheTransport = { get: () => 'kept', set: () => {}, flush: () => {} };
      const fired: unknown = make(obey, { cache: true, cacheTransport }).fire(1);
      return [fired instanceof Promise, await fired];
    },
    theirs: [false, 'kept'],
    ours: [true, 'kept'],
  },
  'a caller that waits in line for a lock and gives up': {
    reason: 'opossum takes the one from the line that has waited longest instead, and that one waits for ever',
    run: async ({ make, pass }) => {
      const { semaphore } = make(passFail, { capacity: 1 });
      semaphore.test();
      const log: unknown[] = [];
      void semaphore.take().then(() => log.push('first'));
      void semaphore.take(50).catch((error) => log.push(plain(error)));
      await pass(50);
      semaphore.release();
      await pass(0);
      return log;
    },
    theirs: [{ message: 'Timed out after 50ms', code: 'ETIMEDOUT' }],
    ours: [{ message: 'Timed out after 50ms', code: 'ETIMEDOUT' }, 'first'],
  },
  'a resetTimeout of more than a day': {
    reason:
      'Node ends a timer of more than 24.8 days at once, and with it the open time in opossum; here a circuit is open for a day at most',
    run: async ({ make, pass }) => {
      const breaker = make(obey, { resetTimeout: 2 ** 31 });
      const events = heard(breaker);
      breaker.open();
      await pass(10);
      return [brief(breaker), events.map((event) => (event as unknown[])[0])];
    },
    theirs: [HALF_OPEN, ['open', 'halfOpen']],
    ours: [OPEN, ['open']],
  },
};
