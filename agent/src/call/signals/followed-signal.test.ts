import { describe, expect, it, jest } from '@jest/globals';
import { stillHeld } from '../../../test/still-held.ts';
import { createBreaker, FakeClock } from '../../testing/testing.ts';
import { FollowingSignal, onAbort } from './followed-signal.ts';

describe('a signal that is followed', () => {
  it('has one listener for all, and none when they left', () => {
    const { signal } = new AbortController();
    const [add, remove] = [jest.spyOn(signal, 'addEventListener'), jest.spyOn(signal, 'removeEventListener')];
    const leave = [onAbort(signal, () => {}), onAbort(signal, () => {}), onAbort(signal, () => {})];
    expect(add).toHaveBeenCalledTimes(1);
    for (const each of leave) each();
    expect(remove).toHaveBeenCalledTimes(1);
  });

  it('tells all who are still there, once, with its reason', () => {
    const controller = new AbortController();
    const [first, gone] = [jest.fn(), jest.fn()];
    onAbort(controller.signal, first);
    onAbort(controller.signal, gone)();
    controller.abort('enough');
    expect(first.mock.calls).toEqual([['enough']]);
    expect(gone).not.toHaveBeenCalled();
  });
});

describe('a signal that follows', () => {
  it('aborts with any of its sources, on request, and after its call has ended', () => {
    const [one, other] = [new AbortController(), new AbortController()];
    const following = new FollowingSignal(one.signal, undefined, other.signal);
    following.release(one.signal, other.signal);
    expect(following.signal.aborted).toBe(false);
    other.abort('enough');
    expect(following.signal.reason).toBe('enough');
    expect(new FollowingSignal(AbortSignal.abort('before')).signal.reason).toBe('before');
    const alone = new FollowingSignal();
    alone.abort('manual');
    expect(alone.signal.reason).toBe('manual');
  });

  it('is collected after its call, though a listener or the reason at its source leads back to it', async () => {
    const follow = ({ signal }: AbortController) => {
      const following = new FollowingSignal(signal);
      following.release(signal);
      return following.signal;
    };
    const leadBack = (): WeakRef<AbortSignal>[] => {
      const listening = new AbortController();
      const listened = follow(listening);
      listening.signal.addEventListener('abort', () => listened.throwIfAborted());
      const aborting = new AbortController();
      const aborted = follow(aborting);
      aborting.abort({ response: aborted });
      return [new WeakRef(listened), new WeakRef(aborted)];
    };
    expect(await stillHeld(Array.from({ length: 10 }, leadBack).flat())).toBe(0);
  });

  it('follows through a signal that nobody else holds', async () => {
    const caller = new AbortController();
    const between: WeakRef<object>[] = [];
    const nest = () => {
      const outer = new FollowingSignal(caller.signal);
      const inner = new FollowingSignal(outer.signal);
      inner.release(outer.signal);
      outer.release(caller.signal);
      between.push(new WeakRef(outer), new WeakRef(inner));
      return inner.signal;
    };
    const signal = nest();
    expect(await stillHeld(between)).toBe(0);
    caller.abort('enough');
    expect(signal.reason).toBe('enough');
  });

  it('takes a signal that is not of the runtime', async () => {
    const target = new EventTarget();
    const polyfilled = Object.assign(target, { aborted: false, reason: undefined as unknown });
    const clock = new FakeClock();
    const breaker = createBreaker({ timeout: { duration: '1s' } }, { clock });
    const call = breaker.execute(
      ({ signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      {
        signal: polyfilled as unknown as AbortSignal,
      },
    );
    Object.assign(polyfilled, { aborted: true, reason: 'enough' });
    target.dispatchEvent(new Event('abort'));
    await expect(call).rejects.toBe('enough');
    expect(breaker.stats().totals).toMatchObject({ ignored: 1, failed: 0 });
  });
});
