import { createBreaker, FakeClock, type TestBreaker } from '@fuseboard/agent/testing';
import type { PolicySpec } from '@fuseboard/schema/types';
import type { Observation, Step } from './sequence.ts';

type Permit = NonNullable<ReturnType<TestBreaker['enter']>>;

/** Replays a sequence in a breaker of ours. */
export function replayOurs(spec: Partial<PolicySpec>, steps: readonly Step[]): Observation[] {
  const clock = new FakeClock();
  let draw = 0;
  const breaker = createBreaker(spec, { clock, random: () => draw });
  const running = new Map<number, Permit>();
  return steps.map((step) => {
    const seen: { admission?: Observation['admission'] } = {};
    if (step.do === 'advance') clock.advance(step.ms);
    else if (step.do === 'begin') {
      draw = step.draw;
      const permit = breaker.enter();
      seen.admission = permit === null ? 'rejected' : 'admitted';
      if (permit !== null) running.set(step.call, permit);
    } else {
      const permit = running.get(step.call);
      running.delete(step.call);
      if (step.outcome === 'success') permit?.succeed();
      else if (step.outcome === 'failure') permit?.fail();
      else permit?.ignore();
    }
    const { state, window } = breaker.stats();
    return { ...seen, state, ...window };
  });
}
