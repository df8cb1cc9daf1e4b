import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createBreaker } from '../src/testing/testing.ts';

/** A server in a thread of its own, which answers while this thread is busy and counts what it answered. */
const SERVER = `
  const { createServer } = require('node:http');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((request, response) => {
    response.end('fine', () => {
      Atomics.add(workerData, 0, 1);
      Atomics.notify(workerData, 0);
    });
  });
  server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;
const answered = new Int32Array(new SharedArrayBuffer(4));
let worker: Worker;
let url: string;

beforeAll(async () => {
  worker = new Worker(SERVER, { eval: true, workerData: answered });
  const port = await new Promise((resolve) => worker.once('message', resolve));
  url = `http://127.0.0.1:${port}/`;
});
afterAll(async () => {
  await worker.terminate();
});

describe('a process that was busy', () => {
  it('does not give up calls whose answers came in time but could not be read', async () => {
    const breaker = createBreaker({ timeout: { duration: '500ms' } });
    await breaker.execute(() => fetch(url).then((response) => response.text()));
    for (let round = 0; round < 3; round++) {
      const before = Atomics.load(answered, 0);
      const call = breaker.execute(() => fetch(url));
      // The request leaves in the phases that follow; only then is the process kept busy.
      while (Atomics.load(answered, 0) === before) await new Promise(setImmediate);
      const begun = performance.now();
      while (performance.now() - begun < 600) {}
      await expect(call.then(({ status }) => status)).resolves.toBe(200);
    }
    expect(breaker.stats().totals).toMatchObject({ succeeded: 4, timedOut: 0, failed: 0 });
  });

  it('does not take calls for slow that it could not attend to', async () => {
    const breaker = createBreaker({
      trip: { minimumCalls: 1, slowCallRate: { thresholdPercent: 100, slowerThan: '1s' } },
    });
    const call = breaker.execute(() => fetch(url));
    const begun = performance.now();
    while (performance.now() - begun < 1_500) {}
    await call;
    expect(breaker.stats()).toMatchObject({ state: 'closed', totals: { succeeded: 1, slow: 0 } });
  });
});
