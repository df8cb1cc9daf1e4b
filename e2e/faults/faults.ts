import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../cluster/run.ts';
import type { OperatorProcess } from '../processes/operator.ts';
import { type ApiWay, GONE_EVENT } from './api-way.ts';
import type { Fault, FaultName } from './model/plan.ts';
import { READY_MS, type Stage, serviceOf } from './stage.ts';

/** What a fault is made of. `amount` is what the plan drew for it. */
interface Scene {
  readonly stage: Stage;
  readonly way: ApiWay;
  readonly replica: number;
  readonly operator: OperatorProcess;
  readonly service: string;
  readonly amount: number;
}

const TOO_MANY = { status: 429, headers: { 'retry-after': '1' }, body: '{"kind":"Status","code":429}' };
const ILL = { status: 500, body: '{"kind":"Status","code":500,"message":"etcd is ill"}' };

/** How long a wire stays bad where the amount says how bad it is, in ms. */
const BAD_MS = 2_500;

/** How each fault is made; resolves when it is over, as far as it ends by itself. */
const MAKE: Record<FaultName, (scene: Scene) => void | Promise<void>> = {
  'api-cut': ({ way }) => way.relay.cut(),
  async 'api-refused'({ way, amount }) {
    way.relay.refusing = true;
    way.relay.cut();
    await sleep(amount);
    way.relay.refusing = false;
  },
  async 'api-silent'({ way, amount }) {
    way.relay.silent = true;
    await sleep(amount);
    way.relay.silent = false;
  },
  async 'api-slow'({ way, amount }) {
    way.relay.delayMs = amount;
    await sleep(BAD_MS);
    way.relay.delayMs = 0;
  },
  'api-cut-in-the-middle': ({ way, amount }) => way.relay.cutAfter(amount),
  'api-429': ({ way, amount }) => refuses(way, TOO_MANY, amount),
  'api-500': ({ way, amount }) => refuses(way, ILL, amount),
  'api-410-status'({ way, amount }) {
    way.expirations = amount;
    way.relay.cut();
  },
  'api-410-event': ({ way }) => way.inject(GONE_EVENT),
  'api-garbage': ({ way }) => way.inject('<html>bad gateway</html>'),
  'api-old-list'({ way, amount }) {
    way.oldLists = amount;
    way.expirations = amount;
    way.relay.cut();
  },
  'agents-cut': ({ stage }) => stage.service.cut(),
  async 'agents-refused'({ stage, amount }) {
    stage.service.refusing = true;
    stage.service.cut();
    await sleep(amount);
    stage.service.refusing = false;
  },
  async 'agents-silent'({ stage, amount }) {
    stage.service.silent = true;
    await sleep(amount);
    stage.service.silent = false;
  },
  async 'agents-slow'({ stage, amount }) {
    stage.service.delayMs = amount;
    await sleep(BAD_MS);
    stage.service.delayMs = 0;
  },
  async 'agents-thin'({ stage, amount }) {
    stage.service.bytesPerSecond = amount;
    await sleep(BAD_MS);
    stage.service.bytesPerSecond = Number.POSITIVE_INFINITY;
  },
  async 'agents-lossy'({ stage, amount }) {
    stage.service.loss = amount / 100;
    await sleep(BAD_MS);
    stage.service.loss = 0;
  },
  'agents-cut-in-the-middle': ({ stage, amount }) => stage.service.cutAfter(amount),
  async 'agents-one-stalled'({ stage, service, amount }) {
    stage.service.stall((request: IncomingMessage) => serviceOf(request) === service);
    await sleep(amount);
    stage.service.stall(undefined);
  },
  async 'reports-held'({ stage, amount }) {
    stage.holdReports(true);
    await sleep(amount);
    stage.holdReports(false);
  },
  'reports-twice': ({ stage, amount }) => delivers(stage, [0, 30, 300], amount),
  // Its agent gives a report up and sends the next one, which comes first.
  'reports-late': ({ stage, amount }) => delivers(stage, [Number.POSITIVE_INFINITY, 1_500], amount),
  async 'replica-killed'({ stage, operator, replica, amount }) {
    await operator.end('SIGKILL');
    stage.route(replica, true);
    await sleep(amount);
    operator.launch();
    stage.route(replica);
  },
  async 'replica-stopped'({ operator, amount }) {
    operator.pause();
    await sleep(amount);
    operator.resume();
  },
  async 'replica-ended'({ stage, operator, replica, amount }) {
    stage.route(replica, true);
    await operator.end('SIGTERM');
    await sleep(amount);
    operator.launch();
    stage.route(replica);
  },
  async 'all-replicas-killed'({ stage, amount }) {
    await Promise.all(stage.replicas.map((replica) => replica.end('SIGKILL')));
    await sleep(amount);
    for (const replica of stage.replicas) replica.launch();
  },
  async 'agent-restarted'({ stage, service, amount }) {
    await stage.killAgent(service);
    await sleep(amount);
    await stage.startAgent(service);
  },
  async 'agent-cache-truncated'({ stage, service, amount }) {
    await stage.killAgent(service);
    stage.truncateCache(service, amount);
    await stage.startAgent(service);
  },
};

async function refuses(way: ApiWay, answer: NonNullable<ApiWay['refusal']>, ms: number): Promise<void> {
  way.refusal = answer;
  way.relay.cut();
  await sleep(ms);
  way.refusal = undefined;
}

async function delivers(stage: Stage, delays: readonly number[], ms: number): Promise<void> {
  stage.deliveries = delays;
  await sleep(ms);
  stage.deliveries = undefined;
}

/** A replica that another process took a port from while it was gone is started until it listens. */
async function runs(replica: OperatorProcess): Promise<void> {
  const answers = () => fetch(`http://127.0.0.1:${replica.metricsPort}/livez`).then(({ ok }) => ok);
  await eventually(async () => {
    if (replica.ended) replica.launch();
    return answers();
  }, READY_MS);
}

/** Makes a fault. Two faults of one replica or of one agent do not overlap: the later one waits. */
export class FaultMaker {
  readonly #stage: Stage;
  readonly #busy = new Map<string, Promise<void>>();

  constructor(stage: Stage) {
    this.#stage = stage;
  }

  begin({ fault, amount, replica, service }: Fault): void {
    const stage = this.#stage;
    const scene = { stage, way: stage.ways[replica]!, replica, operator: stage.replicas[replica]!, service, amount };
    const subject = fault.startsWith('agent-') ? service : fault.includes('replica') ? 'replicas' : fault;
    const before = this.#busy.get(subject) ?? Promise.resolve();
    this.#busy.set(
      subject,
      before.then(() => MAKE[fault](scene)),
    );
  }

  /** Resolves when every fault is over. */
  async over(): Promise<void> {
    await Promise.all(this.#busy.values());
    await Promise.all(this.#stage.replicas.map(runs));
    for (const way of this.#stage.ways) way.heal();
    this.#stage.service.heal();
    this.#stage.deliveries = undefined;
  }
}
