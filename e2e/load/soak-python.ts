/**
 * Whether anything grows in services in Python: `npm run soak:python -- --minutes 20`. Three services call: one in
 * threads, one in event loops, one in forked children. Meanwhile, on a real API server, a policy is edited, policies
 * are made and deleted, streams are cut and the operator is killed. What the services hold is read again and again, and
 * the run exits with 1 when something of it has a rising trend, and at once when a service stops to call: its threads
 * then say on standard error what they do.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { loadavg } from 'node:os';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startCluster } from '../cluster/cluster.ts';
import { Relay } from '../cluster/relay.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { PYTHON_SOURCES } from '../processes/python-agent.ts';
import type { Allowance } from './growth.ts';
import { round, rowOf } from './growth-table.ts';
import { monotonic } from './monotonic.ts';
import { keyed, policiesOf } from './policies.ts';
import {
  changePolicies,
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

const MAIN = fileURLToPath(new URL('../../agent-python/soak/service.py', import.meta.url));
const WAYS = ['threads', 'asyncio', 'forks'] as const;
/** Every stream is lost once in so many readings, and the operator is killed once in so many. */
const CUT_EVERY = 2;
const KILL_EVERY = 5;
/** A service with fewer calls between two readings stands still; each reading adds one to the calls by itself. */
const LEAST_CALLS = 5;

/** What a service in Python holds, after garbage was collected. */
interface Holdings {
  readonly rssBytes: number;
  /** Blocks of memory that the interpreter allocated. */
  readonly blocks: number;
  /** Containers that the collector knows. */
  readonly objects: number;
  /** Event loops, also closed ones. */
  readonly loops: number;
  readonly threads: number;
  readonly sockets: number;
  readonly files: number;
  readonly calls: number;
}

/** The allowances of memory and of what is open are those of the soak of Node. */
const QUANTITIES: readonly { name: string; of: (holds: Holdings) => number; allowed: Allowance }[] = [
  { name: 'rss', of: ({ rssBytes }) => rssBytes / MB, allowed: { share: 0.08, least: 8 } },
  { name: 'blocks, in thousands', of: ({ blocks }) => blocks / 1_000, allowed: { share: 0.03, least: 8 } },
  { name: 'objects, in thousands', of: ({ objects }) => objects / 1_000, allowed: { share: 0.03, least: 4 } },
  { name: 'event loops', of: ({ loops }) => loops, allowed: { share: 0.03, least: 2 } },
  { name: 'threads', of: ({ threads }) => threads, allowed: { share: 0.03, least: 4 } },
  { name: 'sockets', of: ({ sockets }) => sockets, allowed: { share: 0.03, least: 4 } },
  { name: 'files', of: ({ files }) => files, allowed: { share: 0.03, least: 4 } },
];

interface Options {
  readonly minutes: number;
  readonly everyMs: number;
  readonly json: string | undefined;
}

/** A service that answers each line with what it holds. */
class Service {
  readonly #child: ChildProcess;
  readonly #answers: AsyncIterator<string>;

  constructor(way: string, environment: Readonly<Record<string, string>>) {
    this.#child = spawn('python3', [MAIN, way], {
      env: { PATH: process.env.PATH, PYTHONPATH: PYTHON_SOURCES, PYTHONDONTWRITEBYTECODE: '1', ...environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#answers = createInterface(this.#child.stdout!)[Symbol.asyncIterator]();
  }

  async holds(): Promise<Holdings> {
    this.#child.stdin!.write('\n');
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('a service in Python ended; it needs Python 3.10 or later');
    return JSON.parse(value) as Holdings;
  }

  /** Lets it write on standard error what each of its threads does. */
  async trace(): Promise<void> {
    this.#child.kill('SIGUSR1');
    await sleep(1_000);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }
}

async function main({ minutes, everyMs, json }: Options): Promise<number> {
  const load = loadavg()[0]!;
  const cluster = await startCluster();
  const relay = await new Relay().start();
  const services = new Map<string, Service>();
  const seen = { edits: 0, policies: 0, cuts: 0, kills: 0 };
  let operator: OperatorProcess | undefined;
  try {
    await cluster.applyCrds();
    await cluster.namespace(NAMESPACE);
    const store = clusterStore(cluster.kubeconfig, NAMESPACE);
    await store.put(policiesOf(NAMESPACE, POLICIES, MATCHED).map(keyed));
    operator = await OperatorProcess.start(`--kubeconfig=${cluster.kubeconfig}`);
    relay.targets = [operator.agentsPort];
    for (const way of WAYS) {
      services.set(
        way,
        new Service(way, {
          FUSEBOARD_URL: `http://127.0.0.1:${relay.port}`,
          FUSEBOARD_SERVICE: way,
          FUSEBOARD_LABELS: 'app=load',
          FUSEBOARD_NAMESPACE: NAMESPACE,
        }),
      );
    }
    const readings = new Map(WAYS.map((way) => [way as string, [] as { at: number; holds: Holdings }[]]));
    say(`services of ${WAYS.join(', ')} on one operator; ${minutes} min`);

    const begun = monotonic();
    for (let round = 1; ; round += 1) {
      await busy(Math.max(0, begun + round * everyMs - monotonic()));
      const at = (monotonic() - begun) / 60_000;
      for (const [way, service] of services) {
        const list = readings.get(way)!;
        const holds = await service.holds();
        const calls = holds.calls - (list.at(-1)?.holds.calls ?? 0);
        if (calls < LEAST_CALLS) {
          await service.trace();
          throw new Error(`the service of ${way} made ${calls} calls since it was read last: it stands still`);
        }
        list.push({ at, holds });
      }
      say(lineOf(at, readings));
      if (at >= minutes - 0.01) break;
      if (round % CUT_EVERY === 0) {
        relay.cut();
        seen.cuts += 1;
      }
      if (round % KILL_EVERY === 0) {
        await operator.end('SIGKILL');
        operator.launch();
        await operator.ready();
        seen.kills += 1;
      }
    }

    const rows = [...readings].flatMap(([way, list]) =>
      QUANTITIES.map(({ name, of, allowed }) => {
        const own = list.map(({ at, holds }) => ({ at, value: of(holds) }));
        return rowOf(way, name, own, allowed);
      }),
    );
    const calls = Object.fromEntries([...readings].map(([way, list]) => [way, list.at(-1)!.holds.calls]));
    report(rows, { seen, calls });
    if (json !== undefined) {
      const machine = machineOf(load);
      await writeFile(json, `${JSON.stringify({ minutes, machine, seen, calls, rows }, undefined, 2)}\n`);
    }
    return exitCodeOf(rows);

    /** Edits, and policies that are made and deleted, for so long. */
    async function busy(ms: number): Promise<void> {
      const over = AbortSignal.timeout(Math.round(ms));
      await changePolicies(over, store, cluster.kubeconfig, seen);
    }
  } finally {
    await Promise.all([...services.values()].map((service) => service.end()));
    await operator?.end();
    await relay.stop();
    await cluster.stop();
  }
}

function lineOf(at: number, readings: ReadonlyMap<string, readonly { readonly holds: Holdings }[]>): string {
  const each = [...readings].map(([way, list]) => {
    const { holds } = list.at(-1)!;
    return `${way}: ${QUANTITIES.map(({ of }) => round(of(holds))).join(' ')}, ${holds.calls} calls`;
  });
  return `${at.toFixed(1)} min  ${each.join('  ')}`;
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '20' },
    every: { type: 'string', default: '30' },
    json: { type: 'string' },
  },
});
process.exitCode = await main({
  minutes: numberOf('minutes', values.minutes, 1, 1_440),
  everyMs: numberOf('every', values.every, 5, 3_600) * 1_000,
  json: values.json,
}).catch((error: Error) => {
  say(String(error.stack));
  return 1;
});
