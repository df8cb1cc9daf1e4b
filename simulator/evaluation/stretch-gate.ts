import type { Gate, Transition } from '../src/replay/replay.ts';
import type { Rule } from '../src/suggest/rule.ts';

/** A window of time that reaches further back where it holds too few calls. */
export interface Stretch {
  readonly ms: number;
  /** No call older than this counts. */
  readonly toMs: number;
}

interface Ended {
  readonly at: number;
  readonly failed: boolean;
  readonly slow: boolean;
}

interface Permit {
  readonly at: number;
  readonly generation: number;
}

/**
 * A breaker with a window that stretches, to compare with those that agents have: rates are taken over the last `ms`,
 * or over the last `minimumCalls` calls where these are fewer, none older than `toMs`. One probe decides; calls under
 * way are not looked at.
 */
export class StretchGate implements Gate {
  readonly transitions: Transition[] = [];
  readonly #rule: Rule;
  readonly #stretch: Stretch;
  #state: 'closed' | 'open' | 'half-open' = 'closed';
  #until = 0;
  #generation = 0;
  #run = 0;
  #isProbing = false;
  #calls: Ended[] = [];

  constructor(rule: Rule, stretch: Stretch) {
    this.#rule = rule;
    this.#stretch = stretch;
  }

  enter(at: number): Permit | null {
    if (this.#state === 'open') {
      if (at < this.#until) return null;
      this.#become('half-open', this.#until, 'open-duration-over');
    }
    if (this.#state === 'half-open') {
      if (this.#isProbing) return null;
      this.#isProbing = true;
    }
    return { at, generation: this.#generation };
  }

  settle(permit: unknown, outcome: 'success' | 'failure' | 'ignored', at: number): void {
    const { at: began, generation } = permit as Permit;
    if (generation !== this.#generation || outcome === 'ignored') {
      if (generation === this.#generation) this.#isProbing = false;
      return;
    }
    const failed = outcome === 'failure';
    const slow = this.#rule.slow !== undefined && at - began > this.#rule.slow.slowerThanMs;
    if (this.#state === 'half-open') {
      if (failed || slow) this.#open(at, 'probe-failed');
      else this.#become('closed', at, 'probe-succeeded');
      return;
    }
    this.#run = failed ? this.#run + 1 : 0;
    this.#calls.push({ at, failed, slow });
    this.#forget(at);
    const reason = this.#tripped();
    if (reason !== undefined) this.#open(at, reason);
  }

  #forget(at: number): void {
    const inside = this.#calls.findIndex((each) => each.at > at - this.#stretch.ms);
    const oldest = this.#calls.findIndex((each) => each.at > at - this.#stretch.toMs);
    const enough = this.#calls.length - this.#rule.minimumCalls;
    this.#calls.splice(0, Math.max(oldest, Math.min(inside, enough)));
  }

  #tripped(): string | undefined {
    const { minimumCalls, failurePercent, consecutiveFailures, slow } = this.#rule;
    if (this.#run >= consecutiveFailures) return 'consecutive-failures';
    if (this.#calls.length < minimumCalls) return undefined;
    const count = (is: (each: Ended) => boolean) => this.#calls.filter(is).length * 100;
    if (count(({ failed }) => failed) >= failurePercent * this.#calls.length) return 'failure-rate';
    const isSlow = slow !== undefined && count((each) => each.slow) >= slow.percent * this.#calls.length;
    return isSlow ? 'slow-call-rate' : undefined;
  }

  #open(at: number, reason: string): void {
    this.#until = at + this.#rule.openMs;
    this.#become('open', at, reason);
  }

  #become(to: 'closed' | 'open' | 'half-open', at: number, reason: string): void {
    this.transitions.push({ from: this.#state, to, at, reason });
    this.#state = to;
    this.#generation++;
    this.#isProbing = false;
    this.#run = 0;
    this.#calls = [];
  }
}
