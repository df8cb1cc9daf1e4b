/**
 * Three replicas as one: `npm run test:replicas`. Kills the leader and then another replica of three while a policy is
 * edited again and again, and exits with 1 unless pushes continued, the status was right again in time and every count
 * was exact.
 */
import { writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { GROUP, VERSION } from '@fuseboard/schema';
import { CustomObjectsApi, KubeConfig } from '@kubernetes/client-node';
import { startCluster } from '../cluster/cluster.ts';
import { Relay } from '../cluster/relay.ts';
import { eventually } from '../cluster/run.ts';
import { Crowd } from './crowd.ts';
import { fileLimit, filesFor } from './files.ts';
import { type Edit, judge } from './journal.ts';
import { monotonic } from './monotonic.ts';
import { StartedOperator } from './operator.ts';
import { policiesOf, WATCHED } from './policies.ts';
import { clusterStore } from './store.ts';

const NAMESPACE = 'load';
const REPLICAS = ['a', 'b', 'c'];
const POLICIES = 20;
const MATCHED = 5;
const EDIT_EVERY_MS = 500;
const BETWEEN_KILLS_MS = 6_000;
const EDITS_AFTER_MS = 12_000;
/** A Lease is taken over after 15 s. */
const LEADER_WITHIN_MS = 60_000;
/** The whole status is right so soon after the last replica is gone. */
const RIGHT_WITHIN_MS = 60_000;

const say = (line: string) => process.stderr.write(`${line}\n`);
const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`;

interface Status {
  readonly generation: number;
  readonly programmed?: string;
  readonly speaksOf?: number;
  readonly agents?: { matched: number; applied: number; rejected: number; stale: number };
  readonly closed?: number;
}

async function main(agents: number, json: string | undefined): Promise<number> {
  const load = loadavg()[0]!;
  const processes = Math.max(2, Math.ceil(agents / 2_500));
  const files = filesFor({ agents, processes }, fileLimit());
  const cluster = await startCluster();
  const replicas = new Map<string, StartedOperator>();
  const service = await new Relay().start();
  const crowd = new Crowd(processes);
  const problems: string[] = [];
  const editing = new AbortController();
  let editor = Promise.resolve();
  const check = (holds: boolean, problem: string) => {
    if (!holds) problems.push(problem);
  };
  try {
    await cluster.applyCrds();
    await cluster.namespace(NAMESPACE);
    await cluster.namespace('fuseboard');
    const store = clusterStore(cluster.kubeconfig, NAMESPACE);
    await store.put(policiesOf(NAMESPACE, POLICIES, MATCHED));
    const read = statusReader(cluster.kubeconfig);
    const exact = async () => {
      const now = await read();
      const { generation, programmed, speaksOf, closed } = now;
      const { matched, applied, rejected, stale } = now.agents ?? {};
      const right = programmed === 'True' && speaksOf === generation && matched === agents && applied === agents;
      if (right && rejected === 0 && stale === 0 && closed === agents) return;
      throw new Error(`the status of ${WATCHED} is ${JSON.stringify(now)}`);
    };

    const route = () => {
      service.targets = [...replicas.values()].map(({ url }) => Number(new URL(url).port));
    };
    for (const name of REPLICAS) {
      const operator = await StartedOperator.start(
        `--kubeconfig=${cluster.kubeconfig}`,
        '--lease-namespace=fuseboard',
        `--replica-name=${name}`,
        '--report-url=$URL/v1/report',
        `--max-connections=${3 * agents + 100}`,
      );
      replicas.set(name, operator);
    }
    route();
    const group = 'agents';
    const openedMs = await crowd.open({
      group,
      agents,
      place: {
        address: '127.0.0.1',
        host: `127.0.0.1:${service.port}`,
        port: service.port,
        namespace: NAMESPACE,
        headers: '',
      },
      sources: process.platform === 'linux' ? 250 : 1,
      watched: WATCHED,
      report: files.keepReports ? 'keep' : 'close',
      journal: true,
    });
    say(`${agents} agents of three replicas in sync after ${seconds(openedMs)}`);
    await eventually(exact, 120_000);
    await countedOnce('before anything was killed');

    const edits: Edit[] = [];
    let edit = 1;
    editor = (async () => {
      while (!editing.signal.aborted) {
        edit += 1;
        edits.push({ edit, at: await store.edit(edit) });
        await sleep(EDIT_EVERY_MS, undefined, { signal: editing.signal }).catch(() => {});
      }
    })();
    await sleep(3_000);
    const leader = await leading();
    await kill(leader, 'the leader');
    await sleep(BETWEEN_KILLS_MS);
    const [second] = [...replicas.keys()];
    await kill(second!, 'another replica');
    const killed = monotonic();
    await sleep(EDITS_AFTER_MS);
    editing.abort();
    await editor;
    await eventually(exact, RIGHT_WITHIN_MS - (monotonic() - killed)).catch((error: Error) =>
      problems.push(`not within ${RIGHT_WITHIN_MS} ms after the last kill: ${error.message}`),
    );
    const rightMs = monotonic() - killed;
    say(`the status was right ${seconds(rightMs)} after the last kill`);
    await crowd.runs(group, edit);
    await countedOnce('on the replica that is left');
    const traffic = await crowd.traffic(group);
    const verdict = judge(await crowd.journal(group), edits);
    problems.push(...verdict.violations);
    check(verdict.away.count >= agents / 2, `only ${verdict.away.count} streams were lost by killing two of three`);

    const machine = { cores: availableParallelism(), node: process.version, loadBefore: load };
    const figures = { agents, edits: edits.length, openedMs, rightMs, ...verdict, traffic, machine, problems };
    process.stdout.write(
      [
        `agents, edits                 ${agents}, ${edits.length}`,
        `edit to effect, stream there  p50 ${verdict.pushed.p50.toFixed(0)}, p99 ${verdict.pushed.p99.toFixed(0)}, max ${verdict.pushed.max.toFixed(0)} ms`,
        `without a stream              p50 ${seconds(verdict.away.p50)}, p99 ${seconds(verdict.away.p99)}, max ${seconds(verdict.away.max)}`,
        `status right after last kill  ${seconds(rightMs)}`,
        `reports, failed, misdirected  ${traffic.reports}, ${traffic.reportsFailed}, ${traffic.misdirected}`,
        '',
      ].join('\n'),
    );
    if (json !== undefined) await writeFile(json, `${JSON.stringify(figures, undefined, 2)}\n`);
    for (const problem of problems) say(`violated: ${problem}`);
    return problems.length === 0 ? 0 : 1;

    async function leading(): Promise<string> {
      return eventually(async () => {
        for (const [name, operator] of replicas) {
          if (/^leader_election_master_status\{name="fuseboard"\} 1$/m.test(await operator.metrics())) return name;
        }
        return false;
      }, LEADER_WITHIN_MS);
    }

    async function kill(name: string, what: string): Promise<void> {
      const operator = replicas.get(name)!;
      replicas.delete(name);
      route();
      await operator.kill();
      say(`killed ${what}, ${name}, at edit ${edit}`);
    }

    /** What the replicas that run have counted is what the agents were told that they have. */
    async function countedOnce(when: string): Promise<void> {
      await crowd.hush(group, true);
      const { calls } = await crowd.traffic(group);
      for (const [name, operator] of replicas) {
        const told = calls[new URL(operator.url).host] ?? 0;
        const counted = callsIn(await operator.metrics());
        check(counted === told, `${when}: replica ${name} counts ${counted} calls of ${told} that were reported to it`);
        check(told > 0, `${when}: nothing was reported to replica ${name}`);
      }
      await crowd.hush(group, false);
    }
  } finally {
    editing.abort();
    // An edit that fails because everything ends says nothing; one that failed before has ended the run already.
    await editor.catch(() => {});
    await crowd.end();
    await Promise.all([...replicas.values()].map((operator) => operator.kill()));
    // Connections end with their ends; resetting thousands that are half closed keeps Node from exiting.
    await eventually(() => service.connections === 0).catch(() => {});
    await service.stop();
    await cluster.stop();
  }
}

function statusReader(kubeconfig: string): () => Promise<Status> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const api = config.makeApiClient(CustomObjectsApi);
  const watched = { group: GROUP, version: VERSION, plural: 'circuitbreakerpolicies', namespace: NAMESPACE };
  return async () => {
    const { metadata, status } = await api.getNamespacedCustomObject({ ...watched, name: WATCHED });
    const programmed = status?.conditions?.find(({ type }: { type: string }) => type === 'Programmed');
    return {
      generation: metadata.generation,
      programmed: programmed?.status,
      speaksOf: programmed?.observedGeneration,
      agents: status?.agents,
      closed: status?.breakers?.closed,
    };
  };
}

function callsIn(metrics: string): number {
  const lines = metrics.split('\n').filter((line) => line.startsWith('fuseboard_calls_total'));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

const { values } = parseArgs({ options: { agents: { type: 'string', default: '3000' }, json: { type: 'string' } } });
const agents = Number(values.agents);
if (!Number.isInteger(agents) || agents < 30 || agents > 20_000) {
  say(`--agents: must be a whole number from 30 to 20000, not ${JSON.stringify(values.agents)}`);
  process.exitCode = 2;
} else {
  process.exitCode = await main(agents, values.json).catch((error: Error) => {
    say(String(error.stack));
    return 1;
  });
}
