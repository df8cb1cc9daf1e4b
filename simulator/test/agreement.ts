import { createBreaker, FakeClock } from '@fuseboard/agent/testing';
import { seededRandom } from '../src/calls/random.ts';
import { FAILURE, IGNORED, SUCCESS, type Trace } from '../src/calls/trace.ts';
import { replay, type Spec, type Transition } from '../src/replay/replay.ts';
import { scheduleOf } from '../src/replay/schedule.ts';

/** A policy and calls, drawn from a seed: every window, condition and way to recover comes up. */
export function drawn(seed: number): { readonly spec: Spec; readonly trace: Trace } {
  const random = seededRandom(seed);
  const pick = <T>(...values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const spec: Spec = {
    trip: {
      window: pick<NonNullable<NonNullable<Spec['trip']>['window']>>(
        { type: 'Time', duration: pick('1s', '5s') },
        { type: 'Count', size: pick(6, 10) },
        { type: 'Ewma', halfLife: '2s' },
      ),
      minimumCalls: pick(1, 3, 8),
      failureRate: { thresholdPercent: pick(20, 50, 100) },
      ...(random() < 0.5
        ? { slowCallRate: { thresholdPercent: pick(30, 80), slowerThan: pick('100ms', '400ms') } }
        : {}),
      ...(random() < 0.4 ? { consecutiveFailures: pick(2, 5) } : {}),
      ...(random() < 0.3 ? { failureCount: pick(3, 6) } : {}),
    },
    recovery: {
      openDuration: pick('500ms', '3s'),
      backoffFactor: pick(1, 2),
      jitterPercent: pick(0, 30),
      halfOpen: pick<NonNullable<NonNullable<Spec['recovery']>['halfOpen']>>(
        { strategy: 'Ramp', rampDuration: '2s' },
        { maxProbes: pick(1, 3), successThreshold: pick(1, 2), probeTimeout: '1s' },
        { maxProbes: pick(1, 3), evaluate: 'FailureRate', probeTimeout: '1s' },
      ),
    },
  };
  const bad = random();
  const calls = 80;
  const start = new Float64Array(calls);
  const duration = new Float64Array(calls);
  const outcome = new Uint8Array(calls);
  let at = 0;
  for (let i = 0; i < calls; i++) {
    at += Math.floor(random() * random() * 800);
    start[i] = at;
    duration[i] = Math.floor(random() ** 4 * 2_000);
    outcome[i] = random() < bad ? FAILURE : random() < 0.1 ? IGNORED : SUCCESS;
  }
  return { spec, trace: { process: `drawn-${seed}`, start, duration, outcome } };
}

/** What `execute` of a live breaker does with the same calls on a fake clock. */
async function live(
  spec: Spec,
  trace: Trace,
  seed: number,
): Promise<{ transitions: Transition[]; rejected: Uint8Array }> {
  const clock = new FakeClock();
  const breaker = createBreaker(
    { ...spec, classify: { ignore: { errorNames: ['Ignored'] } } },
    { clock, random: seededRandom(seed) },
  );
  const transitions: Transition[] = [];
  breaker.on('transition', ({ from, to, at, reason }) => void transitions.push({ from, to, at, reason }));
  const rejected = new Uint8Array(trace.start.length);
  const ends = new Map<number, () => void>();
  const { steps, end } = scheduleOf(trace);
  for (const step of steps) {
    const call = step >= 0 ? step : ~step;
    clock.advance((step >= 0 ? trace.start[call]! : end[call]!) - clock.now());
    if (step >= 0) {
      rejected[call] = 1;
      const ended = breaker.execute(() => {
        rejected[call] = 0;
        return new Promise<void>((resolve, reject) => {
          ends.set(call, () => {
            if (trace.outcome[call] === SUCCESS) resolve();
            else
              reject(
                Object.assign(new Error('drawn'), { name: trace.outcome[call] === IGNORED ? 'Ignored' : 'Error' }),
              );
          });
        });
      });
      ended.catch(() => undefined);
    } else ends.get(call)?.();
    await settled();
  }
  return { transitions, rejected };
}

/** A live call is settled some microtasks after its promise. */
async function settled(): Promise<void> {
  for (let i = 0; i < 6; i++) await undefined;
}

/** What a replay does differently from a live breaker; undefined: nothing. */
export async function difference(seed: number): Promise<string | undefined> {
  const { spec, trace } = drawn(seed);
  const replayed = replay(spec, trace, scheduleOf(trace), seed);
  const lived = await live(spec, trace, seed);
  const [mine, theirs] = [replayed, lived].map(({ transitions, rejected }) =>
    JSON.stringify({ transitions, rejected: [...rejected] }),
  );
  return mine === theirs ? undefined : `seed ${seed}: replay ${mine}, live ${theirs}`;
}
