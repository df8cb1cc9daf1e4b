import { isForced } from './forced.ts';
import type { OutageRow } from './outage-row.ts';
import type { OutageAction } from './saved-outage.ts';

type Told = Pick<
  OutageRow,
  | 'breaker'
  | 'phase'
  | 'began'
  | 'reason'
  | 'closed'
  | 'hit'
  | 'agents'
  | 'services'
  | 'refused'
  | 'refusedPerSecond'
  | 'fallbackPerSecond'
  | 'callsPerSecond'
  | 'heard'
  | 'held'
>;

/** From this share of fallback answers on, the sentence says that all rejected calls get the fallback. */
const NEARLY_ALL = 0.95;
const NEARLY_NONE = 0.05;

/** From this age of the latest report on, the sentence says that counts may have changed since. */
const STALE_MS = 3_000;

/**
 * An outage in one sentence that can be read aloud: `payments is refused by 3 of 5 checkout pods for 6 min: 42 calls/s
 * get the fallback`. While an override holds the circuits, the sentence names it first.
 *
 * @param now milliseconds since 1970.
 * @param noun what an agent is called: `pod` or `process`.
 */
export function outageSentence(outage: Told, now: number, noun: 'pod' | 'process'): string {
  const { breaker, phase, began, closed, refused, held } = outage;
  const ended = closed ?? now;
  const lasted = span(ended - began);
  const whom = callers(outage, noun);
  const also = held === undefined ? '' : `; ${forced(held, now)}`;
  if (phase === 'over') {
    return isForced(outage)
      ? `${breaker} was forced open on ${whom} ${span(now - began)} ago, and accepted again ${span(now - ended)} ago: ${calls(refused)} refused`
      : `${breaker} was refused by ${whom} for ${lasted}, until ${span(now - ended)} ago: ${calls(refused)} refused`;
  }
  if (phase === 'closed') {
    const total = `${calls(refused)} refused`;
    const before = `it was forced open on ${whom} ${span(now - began)} ago: ${total}`;
    // That calls reach the dependency by force does not mean that it is accepted again.
    if (held !== undefined) {
      const refusals = `it was refused by ${whom} for ${lasted}: ${total}`;
      return `${breaker} is ${forced(held, now)}; before, ${isForced(outage) ? before : refusals}`;
    }
    const accepted = `${breaker} is accepted again since ${span(now - ended)}`;
    return isForced(outage)
      ? `${accepted}; ${before}`
      : `${accepted}, after ${lasted} of refusals by ${whom}: ${total}`;
  }
  if (held !== undefined && !held.partly) {
    const before = held.at - began >= 1_000 ? `; the outage has lasted for ${lasted}` : '';
    return `${breaker} is ${forced(held, now)}: refused by ${whom}, ${cost(outage, now)}${before}`;
  }
  if (phase === 'testing') {
    const { refusedPerSecond, callsPerSecond } = outage;
    const waits = callsPerSecond === 0 && refusedPerSecond === 0;
    const rate = refusedPerSecond > 0 ? `: ${cost(outage, now)}` : '';
    const test = waits ? 'waits for a call to test it' : 'is being tested now';
    return isForced(outage)
      ? `${breaker} is no longer forced open on ${whom} and ${test}${rate}${also}`
      : `${breaker} has been down for ${lasted} on ${whom} and ${test}${rate}${also}`;
  }
  const refusal = isForced(outage) ? 'forced open on' : 'refused by';
  return `${breaker} is ${refusal} ${whom} for ${lasted}: ${cost(outage, now)}${also}`;
}

/** An override that forces circuits open or closed. Times are milliseconds since 1970. */
interface Forcing {
  readonly action: OutageAction['action'];
  readonly by?: string | undefined;
  readonly at: number;
  readonly until: number;
  readonly reason?: string | undefined;
  /** Whether it is for some of the agents only. */
  readonly partly: boolean;
}

/**
 * An override in force in the words of every command and view: `forced open on selected agents by ann for 4 s (the
 * partner asked), ends in 4 min`.
 *
 * @param now milliseconds since 1970.
 */
export function forced({ action, by, at, until, reason, partly }: Forcing, now: number): string {
  const where = partly ? ' on selected agents' : '';
  const who = by === undefined ? '' : ` by ${by}`;
  const why = reason === undefined ? '' : ` (${reason})`;
  return `forced ${action === 'ForceOpen' ? 'open' : 'closed'}${where}${who} for ${span(now - at)}${why}, ends in ${span(until - now)}`;
}

/** The current effect of the rejected calls. */
function cost({ refusedPerSecond, fallbackPerSecond, refused, heard }: Told, now: number): string {
  if (refusedPerSecond === 0 && heard !== undefined && now - heard >= STALE_MS) {
    const last = `last report ${span(now - heard)} ago`;
    if (refused === 0) return `how many calls were refused is not known yet (${last})`;
    return `${calls(refused)} refused until the ${last}`;
  }
  if (refusedPerSecond === 0) return refused === 0 ? 'no call was refused yet' : 'no call is refused at the moment';
  const share = fallbackPerSecond / refusedPerSecond;
  const rate = perSecond(refusedPerSecond);
  if (share >= NEARLY_ALL) return `${rate} get the fallback`;
  if (share <= NEARLY_NONE) return `${rate} fail without a fallback`;
  return `${rate} are refused, ${Math.round(100 * share)} % of them get the fallback`;
}

/** The affected callers: `3 of 5 checkout pods`, `all 5 checkout pods`, `7 of 12 pods of checkout and cart`. */
function callers({ hit, agents, services }: Told, noun: 'pod' | 'process'): string {
  const [only, second, ...rest] = services;
  const among = second === undefined && only !== undefined ? only : undefined;
  const [some, all] = among === undefined ? [hit, agents] : [among.hit, among.agents];
  const name = among === undefined ? '' : `${among.service} `;
  const many = `${noun}${noun === 'pod' ? 's' : 'es'}`;
  const of = second === undefined ? '' : ` of ${listed(only!.service, second.service, rest.length)}`;
  if (some === all) return all === 1 ? `the only ${name}${noun}${of}` : `all ${all} ${name}${many}${of}`;
  return `${some} of ${all} ${name}${many}${of}`;
}

const listed = (first: string, second: string, more: number) =>
  more === 0 ? `${first} and ${second}` : `${first}, ${second} and ${more} more`;

const calls = (count: number) => `${count.toLocaleString('en')} ${count === 1 ? 'call' : 'calls'}`;

/** A rate such as `42 calls/s`; rates below one per second are given per minute. */
export function perSecond(rate: number): string {
  if (rate === 0) return '0 calls/s';
  if (rate >= 9.5) return `${Math.round(rate).toLocaleString('en')} calls/s`;
  if (rate >= 0.95) return `${Number(rate.toFixed(1))} calls/s`;
  return `${Math.max(1, Math.round(rate * 60))} calls/min`;
}

/** `40 s`, `6 min`, `2 h 5 min`, `3 d`. */
export function span(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 24) return `${Math.floor(hours / 24)} d`;
  return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
}
