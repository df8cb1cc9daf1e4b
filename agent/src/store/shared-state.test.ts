import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { eventually } from '../../test/eventually.ts';
import { getBreaker } from '../index.ts';
import { memoryStore, type SharedState, type ShareOptions, type StateStore, shareState } from './index.ts';
import { readEntry, writeEntry } from './quorum.ts';

let time: number;
let store: StateStore;
let sharing: SharedState;
let warnings: string[];
let breakers = 0;

const share = (options: ShareOptions = {}) => {
  sharing = shareState(store, {
    intervalMs: 3_600_000,
    now: () => time,
    warn: (message) => warnings.push(message),
    ...options,
  });
  return sharing;
};
const fragile = () => getBreaker(`shared-${++breakers}`, { defaults: { trip: { consecutiveFailures: 1 } } });
const others = async (name: string, open: number, closed: number) => {
  for (let i = 0; i < open + closed; i++) {
    const verdicts = i < open ? { open: [name], closed: [] } : { open: [], closed: [name] };
    await store.put(`other-${i}`, writeEntry(verdicts), 3_600_000);
  }
};

beforeEach(() => {
  time = 0;
  warnings = [];
  store = memoryStore({ now: () => time });
});
afterEach(() => sharing.stop());

describe('a member', () => {
  it('opens what enough others see open, says so, and closes it when they no longer do', async () => {
    const breaker = fragile();
    share();
    await others(breaker.name, 2, 1);
    await sharing.exchange();
    expect(breaker.state).toBe('open');
    expect(breaker.stats().forced).toMatchObject({ state: 'open', reason: 'other processes see it open' });
    await others(breaker.name, 1, 2);
    await sharing.exchange();
    expect(breaker.state).toBe('closed');
  });

  it('brings no later defaults into force when it closes a circuit', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const breaker = fragile();
    getBreaker(breaker.name, { defaults: { trip: { consecutiveFailures: 2 } } });
    warn.mockRestore();
    share();
    await others(breaker.name, 2, 0);
    await sharing.exchange();
    await others(breaker.name, 0, 2);
    await sharing.exchange();
    expect(breaker.state).toBe('closed');
    breaker.enter()!.fail();
    expect(breaker.state).toBe('open');
  });

  it('does not publish what it learned from other processes as its own', async () => {
    const breaker = fragile();
    share();
    await others(breaker.name, 2, 0);
    await sharing.exchange();
    await sharing.exchange();
    const own = (await store.all()).map(readEntry).filter((entry) => entry!.closed.includes(breaker.name));
    expect([breaker.state, own.length]).toEqual(['open', 1]);
  });

  it('says in a later turn that a circuit opened, without being asked', async () => {
    const breaker = fragile();
    share();
    breaker.enter()!.fail();
    let entries: readonly string[] = [];
    await eventually(() => {
      store.all().then((all) => {
        entries = all;
      });
      return entries.some((entry) => readEntry(entry)!.open.includes(breaker.name));
    });
  });

  it('ignores a forced circuit and publishes nothing about it', async () => {
    const closed = fragile();
    const open = fragile();
    closed.forceClosed({ for: '1h', reason: 'manual' });
    open.forceOpen({ for: '1h', reason: 'manual' });
    share();
    await others(closed.name, 5, 0);
    await sharing.exchange();
    expect([closed.state, open.state]).toEqual(['closed', 'open']);
    const received = (await store.all()).flatMap((entry) => [...readEntry(entry)!.open, ...readEntry(entry)!.closed]);
    expect(received.filter((name) => name === open.name || name === closed.name)).toHaveLength(5);
  });

  it('shares only the selected breakers, and none in Shadow', async () => {
    const [shared, other] = [fragile(), fragile()];
    const shadow = getBreaker(`shared-${++breakers}`, { defaults: { mode: 'Shadow' } });
    share({ breakers: [shared.name, shadow.name] });
    for (const { name } of [shared, other, shadow]) {
      await store.put(`a-${name}`, writeEntry({ open: [name], closed: [] }), 3_600_000);
      await store.put(`b-${name}`, writeEntry({ open: [name], closed: [] }), 3_600_000);
    }
    await sharing.exchange();
    expect([shared.state, other.state, shadow.state]).toEqual(['open', 'closed', 'closed']);
  });

  it('asks for as many as its owner wants', async () => {
    const breaker = fragile();
    share({ minimumMembers: 3, sharePercent: 75 });
    await others(breaker.name, 2, 0);
    await sharing.exchange();
    expect(breaker.state).toBe('closed');
    await others(breaker.name, 3, 0);
    await sharing.exchange();
    expect(breaker.state).toBe('open');
  });

  it('continues alone when the store fails, warns once, and hears again', async () => {
    const working = store;
    const gone = () => Promise.reject(new Error('connection refused'));
    let broken = true;
    store = {
      put: (...args) => (broken ? gone() : working.put(...args)),
      all: () => (broken ? gone() : working.all()),
      remove: (member) => working.remove(member),
    };
    const breaker = fragile();
    share({ intervalMs: 1_000_000, ttlMs: 5_000_000 });
    for (let i = 0; i < 3; i++) await sharing.exchange();
    time = 5_000_001;
    expect([sharing.connected, breaker.state]).toEqual([false, 'closed']);
    expect(warnings).toEqual([expect.stringContaining('connection refused')]);
    broken = false;
    await others(breaker.name, 2, 0);
    await sharing.exchange();
    expect([sharing.connected, breaker.state]).toEqual([true, 'open']);
  });

  it('asks a store that does not answer only once at a time, and says that it does not', async () => {
    let asked = 0;
    let answer = () => {};
    const hanging = new Promise<void>((resolve) => {
      answer = resolve;
    });
    store = {
      put: () => {
        asked++;
        return hanging;
      },
      all: async () => [],
      remove: async () => {},
    };
    share({ intervalMs: 1_000, ttlMs: 1_000 });
    sharing.exchange();
    sharing.exchange();
    time = 1_001;
    sharing.exchange();
    expect([asked, warnings]).toEqual([1, [expect.stringContaining('no answer')]]);
    answer();
    await sharing.exchange();
    expect(sharing.connected).toBe(true);
  });

  it('takes back what it said when it stops', async () => {
    const breaker = fragile();
    share();
    await sharing.exchange();
    expect(await store.all()).toHaveLength(1);
    await sharing.stop();
    expect(await store.all()).toEqual([]);
    breaker.enter()!.fail();
    await sharing.exchange();
    expect(await store.all()).toEqual([]);
  });

  it.each([{ minimumMembers: 0 }, { sharePercent: 0 }, { intervalMs: 0 }, { ttlMs: 1 }, { ttlMs: 1e9 }])(
    'refuses %j',
    (options) => {
      share();
      expect(() => shareState(store, options)).toThrow(/give/);
    },
  );
});
