import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { expect, it } from '@jest/globals';
import { createBreaker } from '../testing/testing.ts';

it('tells the channels of transitions and of each rejection once', async () => {
  const messages: unknown[] = [];
  const listen = (message: unknown, channel: string | symbol) => messages.push([channel, message]);
  const breaker = createBreaker({ trip: { consecutiveFailures: 1 } }, { name: 'payments', clock: { now: () => 0 } });
  const channels = ['fuseboard:transition', 'fuseboard:rejection'];
  for (const channel of channels) subscribe(channel, listen);
  breaker.enter()!.fail();
  breaker.enter();
  await breaker.execute(async () => 1).catch(() => {});
  await breaker.execute(async () => 1, { fallback: () => 2 });
  expect(() => breaker.executeSync(() => 1)).toThrow(/is open/);
  for (const channel of channels) unsubscribe(channel, listen);
  breaker.enter();
  const rejection = ['fuseboard:rejection', { breaker: 'payments', code: 'ERR_FUSEBOARD_OPEN', retryAfterMs: 30_000 }];
  expect(messages).toEqual([
    ['fuseboard:transition', { breaker, event: { from: 'closed', to: 'open', at: 0, reason: 'consecutive-failures' } }],
    rejection,
    rejection,
    rejection,
    rejection,
  ]);
});

it('tells a refusal of the limit from one of the circuit', async () => {
  const codes: unknown[] = [];
  const listen = (message: unknown) => codes.push((message as { code: string }).code);
  const breaker = createBreaker({ concurrency: { maxConcurrent: 1 } }, { name: 'full', clock: { now: () => 0 } });
  subscribe('fuseboard:rejection', listen);
  const permit = breaker.enter()!;
  breaker.enter();
  await breaker.execute(async () => 1).catch(() => {});
  permit.succeed();
  unsubscribe('fuseboard:rejection', listen);
  expect(codes).toEqual(['ERR_FUSEBOARD_LIMITED', 'ERR_FUSEBOARD_LIMITED']);
});
