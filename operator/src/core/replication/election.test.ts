import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Election, type LeaseRecord } from './election.ts';

const TIMES = { leaseMs: 15_000, deadlineMs: 10_000 };

const record = (holder: string, version: string, durationMs = 15_000): LeaseRecord => ({ holder, version, durationMs });

describe('an election', () => {
  it.each<[string, LeaseRecord | undefined, number, boolean]>([
    ['there is none', undefined, 0, true],
    ['its holder gave it up', record('', '1'), 0, true],
    ['it is ours, as after a write whose answer was lost', record('me', '1'), 0, true],
    ['another one holds it and it was just seen', record('other', '1'), 0, false],
    ['another one holds it and it did not change for less than its duration', record('other', '1'), 14_999, false],
    ['another one holds it and it did not change for its duration', record('other', '1'), 15_000, true],
    ['its holder said a longer duration', record('other', '1', 60_000), 15_000, false],
  ])('may take the Lease or not when %s', (_, lease, laterMs, expected) => {
    const election = new Election('me', TIMES);
    election.seen(lease, 1_000);
    expect(election.mayWrite(1_000 + laterMs)).toBe(expected);
  });

  it('counts the silence of another one from the last change that it saw', () => {
    const election = new Election('me', TIMES);
    election.seen(record('other', '1'), 0);
    election.seen(record('other', '1'), 9_000);
    election.seen(record('other', '2'), 10_000);
    expect(election.mayWrite(24_999)).toBe(false);
    expect(election.mayWrite(25_000)).toBe(true);
  });

  it('is won for as long as the deadline, from when the write was asked for', () => {
    const election = new Election('me', TIMES);
    election.seen(undefined, 0);
    election.written(record('me', '1'), 100, 4_100);
    expect(election.leadingForMs(4_100)).toBe(6_000);
    expect(election.leadingForMs(10_099)).toBe(1);
    expect(election.leadingForMs(10_100)).toBe(0);
    election.written(record('me', '2'), 12_000, 12_001);
    expect(election.leadingForMs(12_001)).toBe(9_999);
  });

  it('is lost as soon as another one is seen to hold the Lease, and when it is resigned', () => {
    const election = new Election('me', TIMES);
    election.written(record('me', '1'), 0, 1);
    election.seen(record('other', '2'), 2);
    expect(election.leadingForMs(2)).toBe(0);
    expect(election.holder).toBe('other');
  });
});

/** A Lease in a store that accepts a write only if the writer has seen the current version. */
class Store {
  #version = 0;
  lease: LeaseRecord | undefined;

  write(seen: LeaseRecord | undefined, holder: string, durationMs: number): LeaseRecord | undefined {
    if (this.lease?.version !== seen?.version) return undefined;
    this.#version += 1;
    this.lease = record(holder, String(this.#version), durationMs);
    return this.lease;
  }
}

interface Process {
  election: Election;
  /** How far its clock is ahead of the true time. */
  readonly offset: number;
  seen: LeaseRecord | undefined;
  frozenUntil: number;
}

describe('processes with clocks of their own, that freeze and lose answers', () => {
  it('never have two leaders at one time', () => {
    const step = fc.record({
      who: fc.nat({ max: 2 }),
      waitMs: fc.nat({ max: 4_000 }),
      what: fc.constantFrom('renew', 'renew', 'renew', 'renew', 'lose the answer', 'answer late', 'freeze', 'release'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), (steps) => {
        const store = new Store();
        const names = ['a', 'b', 'c'];
        const processes = names.map(
          (name, i): Process => ({
            election: new Election(name, TIMES),
            offset: i * 1_000_000,
            seen: undefined,
            frozenUntil: 0,
          }),
        );
        let time = 0;
        for (const { who, waitMs, what } of steps) {
          time += waitMs;
          const process = processes[who]!;
          const now = time + process.offset;
          if (time >= process.frozenUntil) {
            const { election } = process;
            process.seen = store.lease;
            election.seen(store.lease, now);
            if (what === 'freeze') process.frozenUntil = time + 20_000;
            else if (what === 'release' && election.leadingForMs(now) > 0) {
              // A process releases its Lease when it ends; the next one is another holder.
              store.write(process.seen, '', 1_000);
              process.election = new Election(names[who]!, TIMES);
            } else if (election.mayWrite(now)) {
              const written = store.write(process.seen, names[who]!, TIMES.leaseMs);
              const lateMs = what === 'answer late' ? 8_000 : 0;
              if (written && what !== 'lose the answer') election.written(written, now, now + lateMs);
            }
          }
          const leaders = processes.filter(({ election, offset }) => election.leadingForMs(time + offset) > 0);
          expect(leaders.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 300 },
    );
  });
});
