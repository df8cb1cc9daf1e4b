import { AsyncLocalStorage } from 'node:async_hooks';
import { expect, it } from '@jest/globals';
import { detached } from './detached.ts';

it('runs a task, and what that starts, outside of the context of its caller', async () => {
  const requests = new AsyncLocalStorage<string>();
  const seen = await requests.run('request 1', () =>
    detached(async () => [
      requests.getStore(),
      await new Promise((resolve) => setImmediate(() => resolve(requests.getStore()))),
    ]),
  );
  expect(seen).toEqual([undefined, undefined]);
  expect(requests.run('request 2', () => detached(() => 5))).toBe(5);
});
