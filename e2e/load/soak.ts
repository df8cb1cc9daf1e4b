/**
 * Whether anything grows: `npm run soak -- --minutes 20`. Two replicas on a real API server serve simulated agents that
 * come and go and real ones that call, while policies are edited, made and deleted and streams are cut. What operators
 * and agents hold is read again and again, and the run exits with 1 when something of it has a rising trend.
 */
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { Relay } from '../cluster/relay.ts';
import { eventually } from '../cluster/run.ts';
import type { Ending } from './agents-main.ts';
import { Child } from './child.ts';
import { Crowd } from './crowd.ts';
import type { Allowance } from './growth.ts';
import { type Row, round, rowOf } from './growth-table.ts';
import type { Holdings, Request } from './inspect.ts';
import { monotonic } from './monotonic.ts';
import { StartedOperator } from './operator.ts';
import { keyed, policiesOf } from './policies.ts';
import {
  changePolicies,
  every,
  exitCodeOf,
  MATCHED,
  MB,
  machineOf,
  NAMESPACE,
  numberOf,
  POLICIES,
  report,
  say,
} from './soaking.ts';
import { clusterStore } from './store.ts';

const SERVICES = 3;
const PROCESSES = 2;
/** Agents of each process that end and are replaced at once. */
const CHURN = 5;
const CHURN_EVERY_MS = 1_000;
const SCRAPE_EVERY_MS = 5_000;
const SERVICE_LIVES_MS = 15_000;
/** After the work of a round has stopped: acknowledgements, goodbyes, closing connections. */
const SETTLE_MS = 6_000;

/** What is read, and how much it may rise over the second half of the run. */
interface Quantity {
  readonly name: string;
  readonly of: (holds: Holdings) => number;
  readonly allowed: Allowance;
}

/** In MB, of each process. */
const MEMORY: readonly Quantity[] = [
  { name: 'heap', of: ({ heapBytes }) => heapBytes / MB, allowed: { share: 0.03, least: 0.75 } },
  { name: 'external', of: ({ externalBytes }) => externalBytes / MB, allowed: { share: 0.05, least: 1 } },
  { name: 'rss', of: ({ rssBytes }) => rssBytes / MB, allowed: { share: 0.08, least: 8 } },
];

/** Of each service, and of the operators together: which of them an agent connects to is random. */
const OPEN: readonly Quantity[] = [
  { name: 'handles', of: (holds) => sum(Object.values(holds.handles)), allowed: { share: 0.03, least: 4 } },
  { name: 'sockets', of: ({ sockets = 0 }) => sockets, allowed: { share: 0.03, least: 4 } },
];

interface Options {
  readonly minutes: number;
  readonly agents: number;
  readonly everyMs: number;
  readonly json: string | undefined;
}

interface Taken {
  /** In minutes since the run began. */
  readonly at: number;
  readonly holds: Holdings;
}

const sum = (numbers: readonly number[]) => numbers.reduce((all, one) => all + one, 0);

async function main({ minutes, agents, everyMs, json }: Options): Promise<number> {
  const load = loadavg()[0]!;
  const cluster = await startCluster();
  const service = await new Relay().start();
  const crowd = new Crowd(PROCESSES);
  const operators: StartedOperator[] = [];
  const services = new Set<Child<Request>>();
  const seen = { edits: 0, replaced: 0, policies: 0, services: 0, cuts: 0 };
  try {
    await cluster.applyCrds();
    await cluster.namespace(NAMESPACE);
    await cluster.namespace('fuseboard');
    const store = clusterStore(cluster.kubeconfig, NAMESPACE);
    await store.put(policiesOf(NAMESPACE, POLICIES, MATCHED).map(keyed));
    for (const name of ['a', 'b']) operators.push(await startReplica(cluster, name, agents));
    service.targets = operators.map(({ url }) => Number(new URL(url).port));
    const group = { group: 'agents', place: placeOf(service), sources: 1, watched: 'load-0', report: 'keep' as const };
    await crowd.open({ ...group, agents });
    const steady = Array.from({ length: SERVICES }, () => startService(service, services));
    const watched = new Map<string, () => Promise<Holdings>>([
      ...operators.map((operator, i) => [`operator ${i + 1}`, () => operator.holds()] as const),
      ...steady.map((child, i) => [`service ${i + 1}`, () => child.ask<Holdings>({ cmd: 'holds' })] as const),
    ]);
    const readings = new Map<string, Taken[]>([...watched.keys()].map((name) => [name, []]));
    say(`${agents} simulated agents and ${SERVICES} services on two replicas; ${minutes} min`);

    const begun = monotonic();
    for (let round = 1; ; round += 1) {
      await busy(Math.max(0, begun + round * everyMs - monotonic() - SETTLE_MS));
      await crowd.runs('agents', 1);
      await crowd.quiet('agents');
      await sleep(SETTLE_MS);
      const at = (monotonic() - begun) / 60_000;
      for (const [name, holds] of watched) readings.get(name)!.push({ at, holds: await holds() });
      say(lineOf(at, readings));
      if (at >= minutes - 0.01) break;
      // Every stream is lost now and then; it is not what a reading should meet.
      service.cut();
      seen.cuts += 1;
    }

    const rowFor = (process: string, { name, of, allowed }: Quantity, lists: readonly (readonly Taken[])[]): Row => {
      const own = lists[0]!.map(({ at }, i) => ({ at, value: sum(lists.map((list) => of(list[i]!.holds))) }));
      return rowOf(process, name, own, allowed);
    };
    const each = [...readings];
    const rows = [
      ...each.flatMap(([process, list]) => MEMORY.map((quantity) => rowFor(process, quantity, [list]))),
      ...OPEN.map((quantity) =>
        rowFor(
          'operators',
          quantity,
          each.slice(0, operators.length).map(([, list]) => list),
        ),
      ),
      ...each
        .slice(operators.length)
        .flatMap(([process, list]) => OPEN.map((quantity) => rowFor(process, quantity, [list]))),
    ];
    const traffic = await crowd.traffic('agents');
    report(rows, { seen, traffic });
    const machine = { ...machineOf(load), node: process.version };
    if (json !== undefined) {
      const figures = { minutes, agents, machine, seen, traffic, rows, handles: lastHandles(readings) };
      await writeFile(json, `${JSON.stringify(figures, undefined, 2)}\n`);
    }
    return exitCodeOf(rows);

    /** Everything that happens in a cluster, for so long. */
    async function busy(ms: number): Promise<void> {
      const over = AbortSignal.timeout(Math.round(ms));
      const endings: readonly Ending[] = ['leave', 'stop', 'crash'];
      await Promise.all([
        changePolicies(over, store, cluster.kubeconfig, seen),
        every(over, CHURN_EVERY_MS, async (turn) => {
          await crowd.churn('agents', CHURN, endings[turn % endings.length]!);
          seen.replaced += CHURN * PROCESSES;
        }),
        every(over, SCRAPE_EVERY_MS, () => Promise.all(operators.map((operator) => operator.metrics()))),
        every(over, 0, async (turn) => {
          const child = startService(service, services);
          await sleep(SERVICE_LIVES_MS, undefined, { signal: over }).catch(() => {});
          await child.end(turn % 2 === 0 ? 'SIGTERM' : 'SIGKILL');
          services.delete(child);
          seen.services += 1;
        }),
      ]);
    }
  } finally {
    await crowd.end();
    await Promise.all([...services].map((child) => child.end()));
    await Promise.all(operators.map((operator) => operator.kill()));
    // Connections end with their ends; resetting many that are half closed keeps Node from exiting.
    await eventually(() => service.connections === 0).catch(() => {});
    await service.stop();
    await cluster.stop();
  }
}

const startReplica = (cluster: Cluster, name: string, agents: number) =>
  StartedOperator.start(
    `--kubeconfig=${cluster.kubeconfig}`,
    '--lease-namespace=fuseboard',
    `--replica-name=${name}`,
    '--report-url=$URL/v1/report',
    `--max-connections=${4 * agents + 200}`,
  );

function startService(relay: Relay, services: Set<Child<Request>>): Child<Request> {
  const child = new Child<Request>(new URL('./busy-service.ts', import.meta.url), {
    nodeArgs: ['--expose-gc', `--import=${new URL('./inspect.ts', import.meta.url)}`],
    environment: {
      FUSEBOARD_URL: `http://127.0.0.1:${relay.port}`,
      FUSEBOARD_SERVICE: 'busy',
      FUSEBOARD_LABELS: 'app=load',
      FUSEBOARD_NAMESPACE: NAMESPACE,
    },
  });
  services.add(child);
  return child;
}

const placeOf = ({ port }: Relay) => ({
  address: '127.0.0.1',
  host: `127.0.0.1:${port}`,
  port,
  namespace: NAMESPACE,
  headers: '',
});

function lineOf(at: number, readings: ReadonlyMap<string, readonly Taken[]>): string {
  const each = [...readings].map(([name, list]) => {
    const { holds } = list.at(-1)!;
    return `${name}: ${[...MEMORY, ...OPEN].map(({ of }) => round(of(holds))).join(' ')}`;
  });
  return `${at.toFixed(1)} min  ${each.join('  ')}`;
}

const lastHandles = (readings: ReadonlyMap<string, readonly Taken[]>) =>
  Object.fromEntries(
    [...readings].map(([name, list]) => [name, [list[0], list.at(-1)].map((one) => one!.holds.handles)]),
  );

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    agents: { type: 'string', default: '300' },
    every: { type: 'string', default: '60' },
    json: { type: 'string' },
  },
});
process.exitCode = await main({
  minutes: numberOf('minutes', values.minutes, 1, 1_440),
  agents: numberOf('agents', values.agents, 20, 5_000),
  everyMs: numberOf('every', values.every, 10, 3_600) * 1_000,
  json: values.json,
}).catch((error: Error) => {
  say(String(error.stack));
  return 1;
});
