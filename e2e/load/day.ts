/**
 * Fills what the operator keeps about a fleet with two days of reports, and prints its memory at the start, after one
 * day and after two. The reports are given to the fleet itself under a clock of their own, so a day takes seconds;
 * connections are not in it (`npm run bench:fanout` measures these).
 *
 *     node --expose-gc e2e/load/day.ts [--agents 10000] [--max-mib 260]
 *
 * Exits with 1 where the memory exceeds `--max-mib`, or is larger after the second day than after the first.
 */
import { parseArgs } from 'node:util';
import { type BreakerReport, LATENCY_BUCKETS, type Report, type Totals } from '@fuseboard/schema';
import { SnapshotCache } from '../../operator/src/core/delivery/snapshot-cache.ts';
import type { Agent } from '../../operator/src/core/fleet/agent-record.ts';
import { Fleet } from '../../operator/src/core/fleet/fleet.ts';
import { NO_TOTALS } from '../../operator/src/core/fleet/totals.ts';
import { LIMITS } from '../../operator/src/core/limits/limits.ts';

const { values } = parseArgs({
  options: { agents: { type: 'string', default: '10000' }, 'max-mib': { type: 'string', default: '260' } },
});
const agents = Number(values.agents);
const maxMib = Number(values['max-mib']);

const NAMESPACES = 10;
const SERVICES_OF_NAMESPACE = 20;
const BREAKERS_OF_SERVICE = 10;
const SERVICES = NAMESPACES * SERVICES_OF_NAMESPACE;

const DAY_MS = 24 * 3_600_000;
/** The steps of the ranges of the page: the last hour and the day before it. */
const SHORT_STEP_MS = 20_000;
const LONG_STEP_MS = 300_000;
/** Circuits that open in each long step, more than an outage for each place that the operator has in a day. */
const OPENED = 20;

const snapshots = new SnapshotCache();
const namespaceOf = (service: number) => `team-${service % NAMESPACES}`;
snapshots.update(
  Array.from({ length: NAMESPACES }, (_, i) => ({
    ...{ uid: `uid-${i}`, namespace: namespaceOf(i), name: 'all', generation: 1, createdAt: 0, problems: [] },
    spec: { breakers: ['*'], trip: { consecutiveFailures: 5 } },
  })),
);

interface Simulated {
  readonly agent: Agent;
  readonly service: number;
  sequence: number;
  readonly breakers: { totals: Totals; state: BreakerReport['state'] }[];
}

const fleet = new Fleet();
let now = 0;
const fleetAgents: Simulated[] = [];
for (let i = 0; i < agents; i += 1) {
  const service = i % SERVICES;
  const namespace = namespaceOf(service);
  const boot = i.toString(16).padStart(32, '0');
  const labels = { app: `service-${service}`, 'pod-template-hash': `7d9f${service}` };
  const identity = {
    namespace,
    boot,
    pod: `pod-${i}`,
    service: `service-${service}`,
    instance: `pod-${i}/1/0`,
    labels,
  };
  const agent = fleet.connect(identity, now);
  const snapshot = snapshots.snapshot(namespace, labels);
  fleet.setTarget(agent, snapshot, now);
  fleet.sent(agent, snapshot);
  const breakers = Array.from({ length: BREAKERS_OF_SERVICE }, () => ({ totals: NO_TOTALS, state: 'closed' as const }));
  fleetAgents.push({ agent, service, sequence: 0, breakers });
}

const MESSAGE = 'connect ECONNREFUSED 10.0.0.1:8443 while the partner was being moved to another zone of the region';

/** An agent reports calls of each of its breakers, as the agents of its service did since they reported before. */
function report(one: Simulated): void {
  const { identity } = one.agent;
  const { namespace, pod, boot, service, instance } = identity;
  one.sequence += 1;
  const breakers = one.breakers.map((breaker, i): BreakerReport => {
    const base = breaker.totals;
    const open = breaker.state === 'open';
    breaker.totals = {
      ...base,
      succeeded: base.succeeded + (open ? 0 : 90),
      failed: base.failed + (open ? 0 : 10),
      slow: base.slow + 3,
      rejected: base.rejected + (open ? 100 : 0),
      fallback: base.fallback + (open ? 100 : 10),
    };
    return {
      ...{ name: `breaker-${one.service}-${i}`, uid: `uid-${one.service % NAMESPACES}`, state: breaker.state },
      ...{ since: 1_000, totals: breaker.totals, base, latency: new Array<number>(LATENCY_BUCKETS).fill(one.sequence) },
      ...(open && { lastError: { name: 'ECONNREFUSED', message: MESSAGE } }),
    };
  });
  const revision = snapshots.snapshot(namespace, identity.labels).revision;
  const whole = { protocol: 1, service, instance, boot, part: 1, parts: 1, rejections: [] };
  const sent: Report = { ...whole, sequence: one.sequence, revision, breakers };
  const { kind } = fleet.report({ namespace, ...(pod !== undefined && { pod }) }, sent, now);
  if (kind !== 'accepted') throw new Error(`a report was answered with ${kind}`);
}

let step = 0;

/** One agent of each service reports; in long steps some circuits open, and those of the step before close. */
function pass(ms: number): void {
  now += ms;
  step += 1;
  const reporting = fleetAgents
    .slice(0, SERVICES)
    .map((_, service) => fleetAgents[(service + step * SERVICES) % agents]!);
  for (const one of reporting) report(one);
  if (ms === LONG_STEP_MS) {
    for (let i = 0; i < OPENED; i += 1) {
      const at = step * OPENED + i;
      const one = fleetAgents[at % SERVICES]!;
      const breaker = one.breakers[Math.floor(at / SERVICES) % BREAKERS_OF_SERVICE]!;
      breaker.state = 'open';
      report(one);
      now += 1_000;
      breaker.state = 'closed';
      report(one);
    }
  }
  fleet.fleetBreakers.sweep(now, () => true);
}

function day(): void {
  const end = now + DAY_MS;
  while (now < end - 3_600_000) pass(LONG_STEP_MS);
  while (now < end) pass(SHORT_STEP_MS);
}

/** What is in use after a garbage collection, in MiB. */
function used(): number {
  globalThis.gc!();
  globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return (heapUsed + external) / 1024 ** 2;
}

for (const one of fleetAgents) report(one);
const rows: [string, number][] = [['connected, one report each', used()]];
for (const name of ['after 24 h', 'after 48 h']) {
  const begun = performance.now();
  day();
  rows.push([name, used()]);
  console.error(`a day in ${((performance.now() - begun) / 1_000).toFixed(0)} s`);
}
const kept = [...fleet.outages.list()].length;
const timelines = [...fleet.fleetBreakers.list()].filter(({ timeline }) => timeline !== undefined).length;
console.log(
  `${agents} agents, ${SERVICES * BREAKERS_OF_SERVICE} breakers, ${timelines} with a day of counts, ${kept} outages`,
);
for (const [name, mib] of rows) console.log(`${name.padEnd(28)}${mib.toFixed(0).padStart(5)} MiB`);

const [, [, first], [, second]] = rows as [unknown, [string, number], [string, number]];
const problems = [
  ...(second > maxMib ? [`${second.toFixed(0)} MiB are more than ${maxMib}`] : []),
  ...(second > first * 1.02 ? ['the second day took more than the first'] : []),
  ...(kept < LIMITS.outages.value ? [`only ${kept} outages were kept, so their limit was not reached`] : []),
  ...(timelines < Math.min(LIMITS.timelines.value, SERVICES * BREAKERS_OF_SERVICE) ? ['a timeline is missing'] : []),
];
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
