import type { BreakerReport } from '@fuseboard/schema';
import { FairShare } from '../limits/fair-share.ts';
import type { LimitLog } from '../limits/limit-log.ts';
import { type Bounds, LIMITS } from '../limits/limits.ts';
import { type AgentRecord, agentKey, type BreakerEntry } from './agent-record.ts';
import type { Counters } from './counters.ts';
import type { FleetBreaker, FleetBreakers } from './fleet-breakers.ts';
import { momentsOf, newTransitions, openingError } from './reported-transitions.ts';
import { type BreakerState, type BreakerStatus, StateCounts, worst } from './state-counts.ts';
import { growth, highest, highestLatency, latencyGrowth, NO_TOTALS, sameTotals } from './totals.ts';
import { type Moment, transitionDigest } from './transition-digest.ts';

/** A breaker or key takes one place for each this many characters of its key and its last error. */
const TEXT_OF_PLACE = 256;

/** A change of state that an agent reported for the first time. */
export interface ReportedTransition {
  readonly breaker: string;
  /** The policy that governs the breaker; absent when the defaults in code apply. */
  readonly uid?: string;
  readonly shadow: boolean;
  readonly from: BreakerState;
  readonly to: BreakerState;
  readonly agoMs: number;
  readonly reason: string;
}

/** What a report says of one breaker, with what is known of it. */
interface Reported {
  readonly agent: AgentRecord;
  readonly breaker: BreakerReport;
  /** The name of its policy; absent when the defaults in code apply, or when the policy was never sent to the agent. */
  readonly policy: string | undefined;
  /** The uid of that policy. */
  readonly uid: string | undefined;
  /** The breaker, or this key of it, in the previous report. */
  readonly known: BreakerEntry | undefined;
  /** Absent when there are too many. */
  readonly fleetBreaker: FleetBreaker | undefined;
  readonly moments: readonly Moment[];
  readonly now: number;
}

/**
 * Takes the breakers of reports: counts what is new in their totals and transitions, and keeps their states in the
 * records of the agents.
 */
export class BreakerReports {
  readonly states = new StateCounts();
  readonly #limits: LimitLog;
  readonly #counters: Counters;
  readonly #fleetBreakers: FleetBreakers;
  readonly #entryShare: FairShare;

  constructor(bounds: Bounds, limits: LimitLog, counters: Counters, fleetBreakers: FleetBreakers) {
    this.#limits = limits;
    this.#counters = counters;
    this.#fleetBreakers = fleetBreakers;
    this.#entryShare = new FairShare({ total: bounds.breakers, perPod: bounds.breakersPerPod });
  }

  /** Takes the breakers of a part of a report. Returns the transitions that were not reported before. */
  take(agent: AgentRecord, breakers: readonly BreakerReport[], now: number): ReportedTransition[] {
    const before = new Map<string, BreakerEntry | undefined>();
    for (const { name } of breakers) {
      if (!before.has(name)) before.set(name, folded(agent.entries.get(name) ?? NO_KEYS));
    }
    const transitions = breakers.flatMap((breaker) => this.#take(agent, breaker, now));
    // Once for each name, because finding the worst of its keys looks at all of them.
    for (const [name, was] of before) this.#replaceState(agent, name, was, folded(agent.entries.get(name) ?? NO_KEYS));
    return transitions;
  }

  #take(agent: AgentRecord, breaker: BreakerReport, now: number): ReportedTransition[] {
    const policy = breaker.uid === undefined ? undefined : agent.delivery.policyName(breaker.uid);
    // An agent's state is not counted for a policy that was never sent to it. The calls still happened, so they are
    // counted.
    const uid = policy === undefined ? undefined : breaker.uid;
    const known = agent.entries.get(breaker.name)?.get(breaker.key ?? '');
    const fleetBreaker = this.#fleetBreakers.at(agent.identity.namespace, uid ?? '', breaker.name, now);
    const moments = momentsOf(breaker, now);
    const reported = { agent, breaker, policy, uid, known, fleetBreaker, moments, now };
    const fresh = newTransitions(known, breaker, moments);
    this.#countTransitions(reported, fresh);
    // The counts of a breaker include those of its keys.
    if (breaker.key === undefined) this.#countCalls(reported);
    this.#keepState(reported);
    return fresh.map(({ from, to, reason, at }) => ({
      breaker: breaker.name,
      ...(uid !== undefined && { uid }),
      shadow: breaker.shadow ?? false,
      from,
      to,
      agoMs: now - at,
      reason,
    }));
  }

  /** Removes the states of all breakers of an agent. */
  forget(agent: AgentRecord): void {
    for (const [name, keys] of agent.entries) this.#replaceState(agent, name, folded(keys), undefined);
    this.#releasePlaces(agent, agent.places);
    agent.forgetBreakers();
  }

  /**
   * Removes keys that were last reported at `until` or before: an agent repeats a key in its reports while the circuit
   * is not closed. Returns whether what is counted of a breaker changed.
   */
  forgetKeys(agent: AgentRecord, until: number): boolean {
    if (until < agent.oldestKeyAt) return false;
    agent.oldestKeyAt = Number.POSITIVE_INFINITY;
    let changed = false;
    for (const [name, keys] of agent.entries) {
      const gone: string[] = [];
      for (const [key, { heardAt }] of keys) {
        if (key === '') continue;
        if (heardAt <= until) gone.push(key);
        else agent.oldestKeyAt = Math.min(agent.oldestKeyAt, heardAt);
      }
      if (gone.length === 0) continue;
      const before = folded(keys);
      for (const key of gone) {
        this.#releasePlaces(agent, keys.get(key)!.places);
        keys.delete(key);
      }
      if (keys.size === 0) agent.entries.delete(name);
      const after = folded(keys);
      this.#replaceState(agent, name, before, after);
      changed ||= !sameCounts(statusOf(name, before), statusOf(name, after));
    }
    return changed;
  }

  #countTransitions({ agent, breaker, policy, fleetBreaker }: Reported, fresh: readonly Moment[]): void {
    const { namespace, instance, labels } = agent.identity;
    const { shadow = false } = breaker;
    const series = this.#counters.at(namespace, policy ?? '', breaker.name);
    for (const { from, to, reason, at } of fresh) {
      series.entered[to] += 1;
      if (!fleetBreaker) continue;
      const error = openingError(reason, breaker);
      this.#fleetBreakers.changed(fleetBreaker, { at, from, to, reason, instance }, { labels, shadow, error });
    }
  }

  #countCalls({ agent, breaker, policy, known, fleetBreaker, now }: Reported): void {
    const { namespace, pod } = agent.identity;
    // An agent that was connected elsewhere in the meantime has a base above what is known here.
    const base = highest(known?.totals ?? NO_TOTALS, breaker.base ?? NO_TOTALS);
    const calls = growth(base, breaker.totals);
    const baseLatency = highestLatency(known?.latency ?? [], breaker.baseLatency ?? []);
    const latency = latencyGrowth(baseLatency, breaker.latency ?? []);
    const sound = Math.max(...Object.values(calls), ...latency) <= LIMITS['calls-of-report'].value;
    if (!sound) this.#limits.reached('calls-of-report', { namespace, pod, breaker: breaker.name });
    const counted = sound ? calls : NO_TOTALS;
    const slower = sound ? latency : [];
    this.#counters.add(namespace, policy ?? '', breaker.name, counted, slower);
    if (fleetBreaker) this.#fleetBreakers.count(fleetBreaker, counted, slower, now, known?.heardAt);
  }

  /** Keeps the state of a breaker if there is room. */
  #keepState({ agent, breaker, uid, known, moments, now }: Reported): void {
    // Without room for a long error, the state is kept without it.
    const without = breaker.lastError === undefined ? [] : [{ ...breaker, lastError: undefined }];
    const kept = [breaker, ...without].find((one) => this.#reservePlaces(agent, placesOf(one), known?.places));
    if (kept === undefined) return;
    const keys = agent.entries.get(breaker.name) ?? new Map<string, BreakerEntry>();
    keys.set(breaker.key ?? '', entryOf(kept, uid, moments, now));
    agent.entries.set(breaker.name, keys);
    if (breaker.key !== undefined) agent.oldestKeyAt = Math.min(agent.oldestKeyAt, now);
  }

  /** Takes the places of a breaker of an agent that has `taken` of them so far; returns whether there was room. */
  #reservePlaces(agent: AgentRecord, places: number, taken = 0): boolean {
    const { namespace, pod } = agent.identity;
    if (places > taken) {
      const more = places - taken;
      const full =
        agent.places + more > LIMITS['breakers-of-agent'].value ? 'agent' : this.#entryShare.take(namespace, pod, more);
      if (full !== undefined) {
        this.#limits.reached(full === 'all' ? 'breakers' : `breakers-of-${full}`, { namespace, pod });
        return false;
      }
      agent.places += more;
    } else this.#releasePlaces(agent, taken - places);
    return true;
  }

  #releasePlaces(agent: AgentRecord, places: number): void {
    agent.places -= places;
    this.#entryShare.release(agent.identity.namespace, agent.identity.pod, places);
  }

  /** Replaces the state of a breaker of an agent; `after` is absent when the breaker was removed. */
  #replaceState(
    agent: AgentRecord,
    name: string,
    before: BreakerEntry | undefined,
    after: BreakerEntry | undefined,
  ): void {
    const { namespace, pod, boot, instance, service, labels } = agent.identity;
    const key = agentKey(pod, boot);
    const owner = { key, instance, service, labels };
    this.states.replace(`${key}/${name}`, `${name} on ${instance}`, statusOf(name, before), statusOf(name, after));
    const was = agent.fleetBreakers.get(name);
    const is = after && this.#fleetBreakers.at(namespace, after.uid ?? '', name, agent.heardAt);
    if (was && was !== is) this.#fleetBreakers.setState(was, owner, before, undefined, agent.heardAt);
    if (is) {
      this.#fleetBreakers.setState(is, owner, was === is ? before : undefined, after, agent.heardAt);
      agent.fleetBreakers.set(name, is);
    } else agent.fleetBreakers.delete(name);
  }
}

const entryOf = (
  breaker: BreakerReport,
  uid: string | undefined,
  moments: readonly Moment[],
  now: number,
): BreakerEntry => ({
  uid,
  state: breaker.state,
  shadow: breaker.shadow ?? false,
  since: now - breaker.since,
  override: breaker.override,
  ...(breaker.lastError !== undefined && { lastError: breaker.lastError }),
  optedIn: breaker.optedIn,
  totals: breaker.totals,
  counted: breaker.base === undefined || !sameTotals(breaker.base, breaker.totals),
  latency: breaker.key === undefined ? (breaker.latency ?? NO_LATENCY) : NO_LATENCY,
  transitions: transitionDigest(moments),
  heardAt: now,
  places: placesOf(breaker),
});

/** The places that a breaker or key takes from the limits of stored breakers. */
const placesOf = ({ key = '', lastError }: BreakerReport) =>
  1 + Math.floor((key.length + (lastError ? lastError.name.length + lastError.message.length : 0)) / TEXT_OF_PLACE);

const NO_KEYS: ReadonlyMap<string, BreakerEntry> = new Map();

const NO_LATENCY: readonly number[] = [];

const statusOf = (breaker: string, entry: BreakerEntry | undefined): BreakerStatus | undefined =>
  entry?.uid === undefined
    ? undefined
    : { uid: entry.uid, breaker, state: entry.state, shadow: entry.shadow, optedIn: entry.optedIn };

/** Whether two statuses of the same breaker are counted alike. */
const sameCounts = (a: BreakerStatus | undefined, b: BreakerStatus | undefined) =>
  a?.uid === b?.uid && a?.state === b?.state && a?.shadow === b?.shadow && a?.optedIn === b?.optedIn;

/** The worst state among all keys of a breaker. `optedIn` comes from the breaker's own entry, which the keys share. */
function folded(keys: ReadonlyMap<string, BreakerEntry>): BreakerEntry | undefined {
  const entry = worst(keys.values());
  const own = keys.get('');
  return entry === undefined || entry === own ? entry : { ...entry, optedIn: own?.optedIn };
}
