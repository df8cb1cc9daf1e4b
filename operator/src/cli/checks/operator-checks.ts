import { count } from '../../core/count.ts';
import { MAX_FLEET_BREAKERS } from '../../core/fleet/fleet-breakers.ts';
import type { Overview } from '../../core/views/overview.ts';
import type { ListedBreaker } from '../../http/admin/answers/live.ts';
import type { AdminClient } from '../client/admin.ts';
import type { StoredPolicy } from '../client/target.ts';
import { statusOf } from '../output/status-columns.ts';
import { type Check, failed, listed, ok, warning } from './check.ts';

/** A larger clock difference makes overrides end early or late. */
const SKEW_MS = 5_000;

/** Breakers beyond a limit are not stored. This share of the limit causes a warning. */
const NEAR = 0.8;

interface Answer extends Overview {
  readonly at: number;
  readonly replica: string;
  readonly others: readonly string[];
  readonly source: {
    readonly kind: string;
    readonly synced: boolean;
    readonly outage?: string;
    readonly problems: number;
  };
}

/** Checks a running operator through its admin API. @param wallClock the current time, in milliseconds since 1970 */
export async function operatorChecks(
  operator: AdminClient,
  namespace: string | undefined,
  wallClock: () => number,
): Promise<Check[]> {
  const asked = wallClock();
  const overview = await operator.get<Answer>('/v1/overview', { namespace });
  const answered = wallClock();
  const { items } = await operator.get<{ items: readonly ListedBreaker[] }>('/v1/breakers', { namespace });
  return [
    source(overview),
    replicas(overview),
    clock(overview.at, asked, answered),
    agents(overview),
    governed(items),
    room(overview),
    outages(overview),
  ];
}

function source({ source: { kind, synced, outage, problems } }: Answer): Check {
  if (outage !== undefined) {
    return failed('source', `the operator cannot read policies: ${outage}`, 'agents keep what they have until it can');
  }
  if (!synced) return failed('source', 'the operator has not read the policies yet', 'see its logs');
  if (problems > 0) {
    const files = count(problems, 'file is not a policy', 'files are not policies');
    return failed('source', files, 'fuseboard validate names file and line');
  }
  return ok(
    'source',
    kind === 'kubernetes' ? 'policies are read from the API server' : 'policies are read from a folder',
  );
}

const replicas = ({ replica, others }: Answer) =>
  ok('replicas', others.length === 0 ? `${replica} is the only one` : `${replica} knows ${listed(others)}`);

function clock(at: number, asked: number, answered: number): Check {
  const skew = at < asked ? asked - at : at > answered ? at - answered : 0;
  if (skew <= SKEW_MS) return ok('clock', 'the clock of the operator agrees with this one');
  return warning(
    'clock',
    `the clock of the operator is ${Math.round(skew / 1_000)} s ${at < asked ? 'behind' : 'ahead of'} this one`,
    'overrides end by it; synchronize both with NTP',
  );
}

function agents({ agents: { connected, connecting, stale, rejecting } }: Answer): Check {
  if (rejecting > 0) {
    return failed(
      'agents',
      `${rejecting} of ${connected} cannot use a policy that is for them`,
      'fuseboard get policies shows which; update the library in these services',
    );
  }
  if (stale > 0) {
    return warning(
      'agents',
      `${count(stale, 'has', 'have')} been silent for 30 s`,
      'fuseboard get agents names them; did their pods end?',
    );
  }
  if (connected + connecting === 0) {
    return warning('agents', 'none is connected', 'set FUSEBOARD_URL in a service that uses the library');
  }
  return ok('agents', `${count(connected, 'is', 'are')} connected, none is stale or rejects a policy`);
}

function governed(breakers: readonly ListedBreaker[]): Check {
  const free = breakers.filter(({ uid, state }) => uid === undefined && state !== 'none');
  if (free.length === 0) return ok('breakers', `${count(breakers.length, 'is', 'are')} governed by policies`);
  return warning(
    'breakers',
    `no policy governs ${listed(free.map(({ namespace, breaker }) => `${namespace}/${breaker}`))}`,
    'the defaults in the code apply; fuseboard explain BREAKER shows the closest policies',
  );
}

function room({ rows }: Answer): Check {
  if (rows < NEAR * MAX_FLEET_BREAKERS) return ok('room', `${rows} breakers of at most ${MAX_FLEET_BREAKERS}`);
  return warning(
    'room',
    `${rows} breakers of at most ${MAX_FLEET_BREAKERS}: further ones will not be shown`,
    'give breakers few names, and keys with for(key)',
  );
}

function outages({ outages: { lasting } }: Answer): Check {
  if (lasting === 0) return ok('outages', 'nothing is refused');
  return warning(
    'outages',
    `${count(lasting, 'breaker is', 'breakers are')} refused by agents`,
    'fuseboard outages says since when and why',
  );
}

/** Checks the statuses of policies. */
export function policyChecks(policies: readonly StoredPolicy[]): Check[] {
  const nameOf = ({ namespace, name }: StoredPolicy) => `${namespace}/${name}`;
  const refused = policies.filter(({ status }) => statusOf(status, 'Accepted') === 'False');
  const unused = policies.filter(
    ({ status }) => statusOf(status, 'Accepted') === 'True' && (status.agents?.matched ?? 0) === 0,
  );
  const silent = policies.filter(({ status }) => status.conditions === undefined);
  const found: Check[] = [];
  if (refused.length > 0) {
    found.push(
      failed('policies', `${listed(refused.map(nameOf))} cannot be used`, 'fuseboard describe policy NAME says why'),
    );
  }
  if (silent.length > 0) {
    const advice = 'does the operator run, and watch these namespaces?';
    found.push(
      failed('policies', `${listed(silent.map(nameOf))} ${silent.length === 1 ? 'has' : 'have'} no status`, advice),
    );
  }
  if (unused.length > 0) {
    const advice = 'compare spec.selector with the labels of agents, or remove them';
    found.push(warning('policies', `no agent is selected by ${listed(unused.map(nameOf))}`, advice));
  }
  return found.length > 0 ? found : [ok('policies', `${count(policies.length, 'is', 'are')} in use`)];
}
