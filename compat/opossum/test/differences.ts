import { after, type Case, failAfter, failIfTold, heard, outcome, passFail, plain, type state } from './cases.ts';

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
  'an action that returns undefined, not a promise': {
    reason: 'opossum reads `then` of undefined and counts a failure; here the call succeeds',
    run: async ({ make }) => {
      const breaker = make(() => {});
      return [await outcome(breaker.fire()), breaker.stats.failures];
    },
    theirs: [['rejected', { message: "Cannot read properties of undefined (reading 'then')" }], 1],
    ours: [['resolved', undefined], 0],
  },
  'the options object of the caller': {
    reason:
      'opossum writes its defaults into it, so two breakers created with one object share a cache; here it is copied',
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
  'a numeric option that is not a finite number': {
    reason:
      'opossum 10.0.0 accepts it, and a timeout of NaN ends every call after 1 ms; later versions of opossum refuse it too',
    run: ({ make }) => outcome(new Promise((resolve) => resolve(brief(make(failIfTold, { timeout: Number.NaN }))))),
    theirs: ['resolved', CLOSED],
    ours: ['rejected', { message: 'options.timeout must be a finite number; it is NaN' }],
  },
  'a call that started before the circuit opened and succeeds while it is half-open': {
    reason: 'in opossum it closes the circuit; here only the probe decides',
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
  'a call that started before the circuit opened and fails while it is half-open': {
    reason: 'in opossum it opens the circuit again; here only the probe decides',
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
  'a probe that fails during warm-up': {
    reason: 'opossum stays half-open without a probe and rejects every later call; here the circuit opens again',
    run: async ({ make, pass }) => {
      const breaker = make(failIfTold, { allowWarmUp: true, resetTimeout: 100 });
      breaker.open();
      await pass(100);
      await outcome(breaker.fire('fail'));
      await pass(100);
      return [await outcome(breaker.fire('ok')), brief(breaker)];
    },
    theirs: [['rejected', { message: 'Breaker is open', code: 'EOPENBREAKER' }], HALF_OPEN],
    ours: [['resolved', 'ok'], CLOSED],
  },
  'open() and close() after shutdown()': {
    reason: 'opossum becomes usable again, without listeners and statistics; here a shutdown is final',
    run: async ({ make }) => {
      const breaker = make(failIfTold);
      breaker.shutdown();
      breaker.close();
      return [breaker.isShutdown, await outcome(breaker.fire('ok'))];
    },
    theirs: [false, ['resolved', 'ok']],
    ours: [true, ['rejected', { message: 'The circuit has been shutdown.', code: 'ESHUTDOWN' }]],
  },
  'health checks after shutdown()': {
    reason: 'opossum continues to call them until the process ends',
    run: async ({ make, pass }) => {
      let checks = 0;
      const breaker = make(failIfTold);
      breaker.healthCheck(async () => void checks++, 100);
      breaker.shutdown();
      await pass(1_000);
      return checks;
    },
    theirs: 11,
    ours: 1,
  },
  'a health check that throws synchronously': {
    reason: 'opossum throws from healthCheck or from its timer; here the check has failed',
    run: async ({ make, pass }) => {
      const breaker = make(failIfTold);
      const thrown = await outcome(
        new Promise((resolve) => {
          breaker.healthCheck(() => {
            throw new Error('unwell');
          });
          resolve('continued');
        }),
      );
      await pass(0);
      return [thrown, brief(breaker)];
    },
    theirs: [['rejected', { message: 'unwell' }], CLOSED],
    ours: [['resolved', 'continued'], OPEN],
  },
  'a listener that throws': {
    reason:
      'in opossum a call whose success listener throws is also counted as a failure and rejected with that error; here it is a process warning',
    run: async ({ make }) => {
      const breaker = make(failIfTold, { errorThresholdPercentage: 100 });
      breaker.on('success', () => {
        throw new Error('listener');
      });
      return [await outcome(breaker.fire('ok')), breaker.stats.successes, breaker.stats.failures];
    },
    theirs: [['rejected', { message: 'listener' }], 1, 1],
    ours: [['resolved', 'ok'], 1, 0],
  },
  'an errorFilter that throws': {
    reason:
      'in opossum the call is rejected with that error, or never settles when the action is asynchronous; here the error of the action counts as a failure',
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
  'lastTimerAt in toJSON()': {
    reason:
      'opossum reports when the breaker was created, so that a breaker with the imported state is half-open too early; here it is when the circuit opened',
    run: async ({ make, pass }) => {
      const madeAt = Date.now();
      const breaker = make(failIfTold, { resetTimeout: 100 });
      await pass(1_000);
      breaker.open();
      const { state: told } = breaker.toJSON();
      const next = make(failIfTold, { state: told, resetTimeout: 100 });
      return [told.lastTimerAt - madeAt, brief(next)];
    },
    theirs: [0, HALF_OPEN],
    ours: [1_000, OPEN],
  },
  'a cacheTransport that returns plain values': {
    reason: 'opossum returns the value instead of a promise of it',
    run: async ({ make }) => {
      const cacheTransport = { get: () => 'kept', set: () => {}, flush: () => {} };
      const fired: unknown = make(failIfTold, { cache: true, cacheTransport }).fire(1);
      return [fired instanceof Promise, await fired];
    },
    theirs: [false, 'kept'],
    ours: [true, 'kept'],
  },
  'a semaphore.take() that times out': {
    reason:
      'opossum removes the caller that has waited longest, which then waits without end; here the one that timed out is removed',
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
      'Node ends a timer of more than 24.8 days at once, and opossum is half-open; here a circuit is open for at most a day',
    run: async ({ make, pass }) => {
      const breaker = make(failIfTold, { resetTimeout: 2 ** 31 });
      const events = heard(breaker);
      breaker.open();
      await pass(10);
      return [brief(breaker), events.map((event) => (event as unknown[])[0])];
    },
    theirs: [HALF_OPEN, ['open', 'halfOpen']],
    ours: [OPEN, ['open']],
  },
};
