import { AsyncLocalStorage } from 'node:async_hooks';
import { warnProcess } from '../../errors/warnings.ts';
import type { CallBreaker } from '../call-breaker.ts';

/** A probe under way, and the probe of another breaker that it was made in. */
interface Probe {
  readonly breaker: CallBreaker;
  readonly outer: Probe | undefined;
}

const probes = new AsyncLocalStorage<Probe>();
let underWay = 0;
const warned = new WeakSet<CallBreaker>();

/** Wraps the function of a probe, so that calls made while it runs can see that they are part of that probe. */
export function asProbe<A extends unknown[], R>(breaker: CallBreaker, fn: (...args: A) => R): (...args: A) => R {
  return (...args) => {
    underWay++;
    let result: R;
    try {
      result = probes.run({ breaker, outer: probes.getStore() }, fn, ...args);
    } catch (error) {
      ended();
      throw error;
    }
    Promise.resolve(result).then(ended, ended);
    return result;
  };
}

/** Disables the async context after the last probe, because promises are slower with it. */
function ended(): void {
  underWay--;
  if (underWay === 0) probes.disable();
}

/**
 * Whether a rejected call was made by a probe of the same breaker. Its rejection would make the probe fail, so that the
 * circuit never closes. Warns once for each breaker that it is used twice.
 */
export function isPartOfProbe(breaker: CallBreaker): boolean {
  if (underWay === 0) return false;
  let probe = probes.getStore();
  while (probe !== undefined && probe.breaker !== breaker) probe = probe.outer;
  if (probe === undefined) return false;
  if (!warned.has(breaker)) {
    warned.add(breaker);
    warnProcess(
      `breaker "${breaker.name}" is used twice around one call; the inner use passes through while the circuit is tested. Use it once.`,
      'FUSEBOARD_NESTED',
    );
  }
  return true;
}
