import { mkdirSync, readdirSync, readFileSync, truncateSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Cluster } from '../cluster/cluster.ts';
import { eventually } from '../cluster/run.ts';
import { Child } from '../load/child.ts';
import { monotonic } from '../load/monotonic.ts';
import { OperatorProcess } from '../processes/operator.ts';
import type { Life } from './agent-worker.ts';
import type { Request } from './agents-main.ts';
import { ApiWay } from './api-way.ts';
import { HttpRelay } from './http-relay.ts';
import { relayedKubeconfig } from './kubeconfig.ts';
import type { Invariant } from './model/checker.ts';
import { AGENTS, type AgentPlan, BREAKERS, type Plan, REPLICAS, type Side } from './model/plan.ts';
import { type LogRecord, readRecords } from './model/records.ts';
import { PythonAgents } from './python/agents.ts';
import { type Tamper, tamperWith } from './tamper.ts';

export interface StageOptions {
  readonly cluster: Cluster;
  readonly folder: string;
  readonly plan: Plan;
  /** How many times as fast time runs for operators and agents. */
  readonly speed: number;
  /** A violation on purpose. */
  readonly plant?: Invariant;
  /** Whether half of the agents are those for Python. */
  readonly python?: boolean;
}

/** Who is in Python, when half of them are: one that keeps a file, and the one that the wire is made bad for. */
const IN_PYTHON = ['checkout-2', 'billing'];

/** A machine with much else to do takes its time to start a process. */
export const READY_MS = 90_000;

const AGENTS_MAIN = new URL('./agents-main.ts', import.meta.url);
const FAST_CLOCK = new URL('./fast-clock.ts', import.meta.url);
const isReport = (request: IncomingMessage) => request.url!.startsWith('/v1/report');
export const serviceOf = (request: IncomingMessage) =>
  new URL(request.url!, 'http://stage').searchParams.get('service') ?? undefined;

/**
 * Everything that takes part in a schedule: two replicas, each with a way of its own to the API server, a Service, and
 * agents.
 */
export class Stage {
  readonly #options: StageOptions;
  readonly #records: LogRecord[] = [];
  readonly ways: ApiWay[] = [];
  readonly replicas: OperatorProcess[] = [];
  readonly service: HttpRelay;
  /** Which replicas the Service does not send anybody to. */
  readonly #out = new Set<number>();
  readonly #tamper: Tamper;
  readonly #lives = new Map<string, { plan: AgentPlan; count: number }>();
  /** What every report meets. */
  deliveries: readonly number[] | undefined;
  #reportsHeld = false;
  #agents: Child<Request>;
  readonly #pythonAgents = new PythonAgents();

  constructor(options: StageOptions) {
    this.#options = options;
    this.#tamper = tamperWith(options.plant, {
      other: () => this.namespace('there'),
      reset: (service) => this.note({ kind: 'reset', at: monotonic(), service }),
    });
    this.service = new HttpRelay([], {
      answer: (request) => (this.#reportsHeld && isReport(request) ? 'hold' : undefined),
      path: (request) => this.#tamper.path(request),
      body: (request) => this.#tamper.body(request),
      deliveries: (request) => (isReport(request) ? this.deliveries : undefined),
    });
    mkdirSync(this.#path('logs'), { recursive: true });
    mkdirSync(this.#path('cache'), { recursive: true });
    this.#agents = new Child<Request>(AGENTS_MAIN, {
      nodeArgs: [`--import=${FAST_CLOCK}`],
      environment: this.#clock(options.plan.agentShiftMs),
    });
  }

  async start(): Promise<void> {
    const { cluster, plan, plant } = this.#options;
    await this.service.start();
    for (let i = 0; i < REPLICAS; i += 1) this.ways.push(new ApiWay(cluster.url));
    await Promise.all(
      this.ways.map(async (way, i) => {
        await way.relay.start();
        const kubeconfig = relayedKubeconfig(cluster, way.relay.url, this.#path(`replica-${i}.kubeconfig`));
        this.replicas[i] = await OperatorProcess.within(
          { environment: this.#clock(plan.replicaShiftMs), preload: FAST_CLOCK },
          `--kubeconfig=${kubeconfig}`,
          `--watch-namespaces=${this.namespace('here')},${this.namespace('there')}`,
          `--lease-namespace=${this.namespace('here')}`,
          `--replica-name=replica-${i}`,
        );
        await eventually(() => this.replicas[i]!.ready(), READY_MS);
      }),
    );
    this.route();
    await Promise.all(AGENTS.map((agent) => this.startAgent(agent.service)));
    if (plant !== undefined) this.note({ kind: 'fault', at: monotonic(), fault: 'plant', detail: plant });
  }

  namespace(side: Side): string {
    return `faults-${this.#options.plan.seed}-${side}`;
  }

  note(record: LogRecord): void {
    this.#records.push(record);
  }

  /** Everything that was written down so far, by the run and by the agents. */
  records(): LogRecord[] {
    const logs = readdirSync(this.#path('logs')).filter((name) => name.endsWith('.jsonl'));
    const own = logs.flatMap((name) => readRecords(readFileSync(this.#path('logs', name), 'utf8')));
    return [...this.#records, ...own].sort((a, b) => a.at - b.at);
  }

  /** Takes a replica out of the Service, or puts it back. */
  route(replica?: number, out = false): void {
    if (replica !== undefined && out) this.#out.add(replica);
    else if (replica !== undefined) this.#out.delete(replica);
    this.service.targets = this.replicas.flatMap(({ url }, i) => (this.#out.has(i) ? [] : [new URL(url)]));
  }

  holdReports(hold: boolean): void {
    this.#reportsHeld = hold;
  }

  async startAgent(service: string): Promise<void> {
    const plan = AGENTS.find((one) => one.service === service)!;
    const count = (this.#lives.get(service)?.count ?? 0) + 1;
    this.#lives.set(service, { plan, count });
    const { plant } = this.#options;
    const agent = `${service}#${count}`;
    const namespace = this.namespace(plan.side);
    const life: Life = {
      agent,
      service,
      namespace,
      labels: plan.labels,
      breakers: BREAKERS,
      log: this.#path('logs', `${agent}.jsonl`),
      ...((plant === 'I1' || plant === 'I4' || plant === 'I6') && { plant }),
    };
    const labels = Object.entries(plan.labels).map((pair) => pair.join('='));
    const environment = {
      FUSEBOARD_URL: this.service.url,
      FUSEBOARD_SERVICE: service,
      FUSEBOARD_NAMESPACE: namespace,
      FUSEBOARD_LABELS: labels.join(','),
      ...(plan.cached && { FUSEBOARD_CACHE_DIR: this.#cache(service) }),
    };
    if (this.#isPython(service)) {
      const clock = this.#clock(this.#options.plan.agentShiftMs);
      await this.#pythonAgents.start(life, { ...clock, ...environment });
    } else await this.#agents.ask({ cmd: 'start', life, environment });
  }

  async killAgent(service: string): Promise<void> {
    const agent = `${service}#${this.#lives.get(service)!.count}`;
    if (this.#isPython(service)) await this.#pythonAgents.kill(agent);
    else await this.#agents.ask({ cmd: 'kill', agent });
    this.note({ kind: 'killed', at: monotonic(), agent });
  }

  /** Leaves so many bytes of what a service keeps over restarts. */
  truncateCache(service: string, bytes: number): void {
    const folder = this.#cache(service);
    mkdirSync(folder, { recursive: true });
    for (const name of readdirSync(folder)) truncateSync(join(folder, name), bytes);
  }

  /** Notes what each operator takes of memory; one that does not answer is left out. */
  async measure(): Promise<void> {
    await Promise.all(
      this.replicas.map(async (replica, i) => {
        const text = await replica.metrics().catch(() => '');
        const bytes = /^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1];
        if (bytes === undefined) return;
        const rssMb = Math.round(Number(bytes) / 2 ** 20);
        this.note({ kind: 'memory', at: monotonic(), operator: `replica-${i}`, rssMb });
      }),
    );
  }

  async stop(): Promise<void> {
    await Promise.all([this.#agents.end(), this.#pythonAgents.end()]);
    await Promise.all(this.replicas.map((replica) => replica.end()));
    await Promise.all([this.service.stop(), ...this.ways.map((way) => way.relay.stop())]);
  }

  #clock(shiftMs: number): Record<string, string> {
    return {
      CLOCK_SPEED: String(this.#options.speed),
      CLOCK_WALL_SHIFT_MS: String(shiftMs),
      // Processes of the same sources start in half the time.
      NODE_COMPILE_CACHE: join(this.#options.cluster.folder, 'compiled'),
    };
  }

  #isPython(service: string): boolean {
    return this.#options.python === true && IN_PYTHON.includes(service);
  }

  #cache(service: string): string {
    return this.#path('cache', service);
  }

  #path(...names: string[]): string {
    return join(this.#options.folder, ...names);
  }
}
