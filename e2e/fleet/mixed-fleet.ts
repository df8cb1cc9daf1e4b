import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { policy } from '../cluster/policy.ts';
import { eventually } from '../cluster/run.ts';
import { AgentProcess } from '../processes/agent.ts';
import { OperatorProcess } from '../processes/operator.ts';
import { PythonAgentProcess } from '../processes/python-agent.ts';

export interface MixedFleetOptions {
  /** How many processes have the agent for Node. */
  readonly node: number;
  /** How many processes have the agent for Python. */
  readonly python: number;
  /** Gets a line for each chapter of the story, with the time that it took. */
  readonly say: (line: string) => void;
}

type Language = 'node' | 'python';

/** A process of the fleet; another one takes its place when it is killed. */
interface Place {
  readonly language: Language;
  readonly environment: Readonly<Record<string, string>>;
  process: AgentProcess | PythonAgentProcess;
  /** How many calls of its process failed. */
  failed: number;
}

/** What the admin API says of an agent, as far as is looked at here. */
interface ListedAgent {
  readonly language?: string;
  readonly version?: string;
  readonly service: string;
  readonly state: string;
  readonly breakers: readonly {
    readonly state: string;
    readonly totals: { readonly failed: number; readonly rejected: number };
    readonly lastError?: { readonly message: string };
  }[];
}

/** So many processes start at the same time. */
const BATCH = 4;
/** How long the fleet may take for a step on a machine with much else to do, in ms. */
const WITHIN_MS = 120_000;
const NAMESPACE = 'shop';
const BREAKER = 'payments';
const OVERRIDES = `/v1/overrides/${NAMESPACE}`;

/**
 * Plays the life of a policy on a fleet of processes in both languages, on a real API server: apply, calls that open
 * the circuits, edit, override, rollback, an operator that is killed while policies change and agents start again.
 *
 * @throws AssertionError, or the last answer, when something is not so within two minutes.
 */
export async function playMixedFleet(options: MixedFleetOptions): Promise<void> {
  const fleet = new MixedFleet(options, await startCluster());
  try {
    await fleet.play();
  } finally {
    await fleet.end();
  }
}

class MixedFleet {
  readonly #options: MixedFleetOptions;
  readonly #cluster: Cluster;
  readonly #places: Place[] = [];
  #operator: OperatorProcess | undefined;

  constructor(options: MixedFleetOptions, cluster: Cluster) {
    this.#options = options;
    this.#cluster = cluster;
  }

  async play(): Promise<void> {
    await this.#chapter('the operator and all processes start', () => this.#start());
    await this.#chapter('a policy is applied', async () => {
      await this.#put(2);
      await this.#agrees(1, 2);
      await this.#isListed();
    });
    await this.#chapter('every circuit opens, and the operator knows of what', () => this.#open(2));
    await this.#chapter('an edit arrives, and open circuits stay open', async () => {
      await this.#put(5);
      await this.#agrees(2, 5);
      await this.#each(async ({ process }) => assert.equal((await process.stats(BREAKER)).state, 'open'));
    });
    await this.#chapter('an override holds every circuit closed until it is removed', () => this.#override());
    await this.#chapter('a rollback brings the first limit back, and circuits trip by it', async () => {
      await this.#post(`/v1/policies/${NAMESPACE}/${BREAKER}/rollback`, { toRevision: 1 });
      await this.#agrees(3, 2);
      await this.#open(2);
    });
    await this.#chapter(
      'the operator is killed: circuits stay as they are, and new processes start by their files',
      () => this.#loseOperator(),
    );
    await this.#chapter('the operator is back: all have the edit of meanwhile, and no failure is lost', async () => {
      this.#operator!.launch();
      await this.#operator!.ready();
      await this.#agrees(4, 7);
      await this.#isListed();
      await this.#isCounted();
    });
  }

  async end(): Promise<void> {
    await Promise.all(this.#places.map(({ process }) => process.end()));
    await this.#operator?.end();
    await this.#cluster.stop();
  }

  async #chapter(title: string, play: () => Promise<void>): Promise<void> {
    const begun = performance.now();
    await play();
    this.#options.say(`${((performance.now() - begun) / 1_000).toFixed(1).padStart(6)} s  ${title}`);
  }

  async #start(): Promise<void> {
    await this.#cluster.applyCrds();
    await this.#cluster.namespace(NAMESPACE);
    this.#operator = await OperatorProcess.start(`--kubeconfig=${this.#cluster.kubeconfig}`);
    const { node, python } = this.#options;
    const languages = Array.from({ length: Math.max(node, python) }, (_, i) => [
      ...(i < node ? (['node'] as const) : []),
      ...(i < python ? (['python'] as const) : []),
    ]).flat();
    for (let i = 0; i < languages.length; i += BATCH) {
      const batch = languages.slice(i, i + BATCH).map(async (language, j) => {
        const cache = join(this.#cluster.folder, `cache-${i + j}`);
        mkdirSync(cache);
        const environment = {
          FUSEBOARD_URL: this.#operator!.url,
          FUSEBOARD_SERVICE: `checkout-${language}`,
          FUSEBOARD_NAMESPACE: NAMESPACE,
          FUSEBOARD_LABELS: 'app=checkout',
          FUSEBOARD_CACHE_DIR: cache,
          NODE_COMPILE_CACHE: join(this.#cluster.folder, 'compiled'),
        };
        const process = await started(language, environment);
        this.#places.push({ language, environment, process, failed: 0 });
        assert.notEqual(process.beganWith, 'LastGood');
        // The link starts with the first call.
        same(await process.call(BREAKER, 'ok'), ['passed']);
      });
      await Promise.all(batch);
    }
  }

  /** Opens every circuit by so many failures; the operator must know it, with the failure. */
  async #open(failures: number): Promise<void> {
    await this.#each(async (place) => {
      const fails = Array.from({ length: failures }, () => 'fail' as const);
      same(await place.process.call(BREAKER, ...fails, 'ok'), [...fails.map(() => 'failed'), 'rejected']);
      place.failed += failures;
    });
    await eventually(async () => {
      for (const { breakers, service } of await this.#agents()) {
        same(
          breakers.map(({ state, lastError }) => ({ state, message: lastError?.message })),
          [{ state: 'open', message: 'the partner is down' }],
          service,
        );
      }
    }, WITHIN_MS);
    await this.#isCounted();
  }

  async #override(): Promise<void> {
    const spec = { breakers: [BREAKER], action: 'ForceClosed', reason: 'a false alarm', duration: '10m' };
    const { name } = (await (await this.#post(OVERRIDES, spec)).json()) as { name: string };
    await this.#each(({ process }) =>
      eventually(async () => assert.equal((await process.stats(BREAKER)).state, 'closed'), WITHIN_MS),
    );
    type Answer = { status: { agents?: { summary: string } } };
    await eventually(async () => {
      const { status } = await this.#operator!.admin<Answer>(`${OVERRIDES}/${name}`);
      assert.equal(status.agents?.summary, this.#summary);
    }, WITHIN_MS);
    await this.#each(async (place) => {
      // A circuit that is held closed lets failures pass and does not trip.
      same(await place.process.call(BREAKER, 'fail', 'ok'), ['failed', 'passed']);
      place.failed += 1;
    });
    await this.#post(`${OVERRIDES}/${name}`, undefined, 'DELETE');
    await eventually(async () => {
      const { items } = await this.#operator!.admin<{ items: readonly object[] }>('/v1/overrides');
      same(items, []);
    }, WITHIN_MS);
    await eventually(async () => {
      for (const { breakers } of await this.#agents()) assert.equal(breakers[0]?.state, 'closed');
    }, WITHIN_MS);
  }

  async #loseOperator(): Promise<void> {
    await this.#operator!.end('SIGKILL');
    await this.#each(async ({ process }) => same(await process.call(BREAKER, 'ok'), ['rejected']));
    await this.#put(7);
    // A quarter of each language is killed and started again, one after the other.
    for (const language of ['node', 'python'] as const) {
      const own = this.#places.filter((place) => place.language === language);
      for (const place of own.slice(0, Math.ceil(own.length / 4))) {
        await place.process.end();
        place.process = await started(language, place.environment);
        place.failed = 0;
        assert.equal(place.process.beganWith, 'LastGood');
        assert.equal(limitOf(await place.process.stats(BREAKER)), 2);
        same(await place.process.call(BREAKER, 'fail', 'fail', 'ok'), ['failed', 'failed', 'rejected']);
        place.failed += 2;
      }
    }
  }

  /** Waits until every process runs this generation and limit, and the status of the policy says so. */
  async #agrees(generation: number, failures: number): Promise<void> {
    await this.#each(({ process }) =>
      eventually(async () => assert.equal(limitOf(await process.stats(BREAKER)), failures), WITHIN_MS),
    );
    await eventually(async () => {
      const json = await this.#cluster.kubectl('get', 'cbp', BREAKER, '-n', NAMESPACE, '-o', 'json');
      const { metadata, status } = JSON.parse(json);
      assert.equal(metadata.generation, generation);
      const programmed = status?.conditions?.find(({ type }: { type: string }) => type === 'Programmed');
      same(
        [programmed?.status, programmed?.observedGeneration, status?.agents?.summary],
        ['True', generation, this.#summary],
      );
    }, WITHIN_MS);
  }

  /** The list and the metric of agents must tell both languages apart. */
  async #isListed(): Promise<void> {
    const { node, python } = this.#options;
    await eventually(async () => {
      const count = new Map<string, number>();
      for (const { language = '-', version = '-', service } of await this.#agents()) {
        const key = `${language} ${version} ${service}`;
        count.set(key, (count.get(key) ?? 0) + 1);
      }
      const of = (language: Language, agents: number) => [`${language} 0.1.0 checkout-${language}`, agents] as const;
      const wanted = [of('node', node), of('python', python)].filter(([, agents]) => agents > 0);
      same([...count].sort(), wanted);
      const metrics = await this.#operator!.metrics();
      for (const [key, agents] of wanted) {
        const line = `fuseboard_agent_versions{language="${key.split(' ')[0]}",version="0.1.0"} ${agents}\n`;
        assert.ok(metrics.includes(line), `no metric ${line}`);
      }
    }, WITHIN_MS);
  }

  /** The failures that the operator knows must be those that were made. */
  async #isCounted(): Promise<void> {
    const made = this.#places.reduce((sum, { failed }) => sum + failed, 0);
    await eventually(async () => {
      const told = (await this.#agents()).flatMap(({ breakers }) => breakers.map(({ totals }) => totals.failed));
      assert.equal(
        told.reduce((sum, failed) => sum + failed, 0),
        made,
      );
    }, WITHIN_MS);
  }

  /** The agents that are not gone: processes that were killed are known a while longer. */
  async #agents(): Promise<readonly ListedAgent[]> {
    const { items } = await this.#operator!.admin<{ items: readonly ListedAgent[] }>('/v1/agents');
    assert.equal(items.length, this.#places.length);
    return items;
  }

  #put(consecutiveFailures: number): Promise<void> {
    const spec = {
      selector: { matchLabels: { app: 'checkout' } },
      breakers: [BREAKER],
      trip: { consecutiveFailures },
      recovery: { openDuration: '30m' },
    };
    return this.#cluster.apply(policy(NAMESPACE, BREAKER, spec));
  }

  async #post(path: string, body: object | undefined, method = 'POST'): Promise<Response> {
    const response = await fetch(`http://127.0.0.1:${this.#operator!.adminPort}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    });
    assert.ok(response.ok, `${method} ${path}: ${response.status} ${response.ok ? '' : await response.text()}`);
    return response;
  }

  async #each(work: (place: Place) => Promise<unknown>): Promise<void> {
    await Promise.all(this.#places.map(work));
  }

  get #summary(): string {
    return `${this.#places.length}/${this.#places.length}`;
  }
}

const started = (language: Language, environment: Readonly<Record<string, string>>) =>
  language === 'node' ? AgentProcess.start(environment) : PythonAgentProcess.start(environment);

type View = Awaited<ReturnType<PythonAgentProcess['stats']>> | Awaited<ReturnType<AgentProcess['stats']>>;

/** The run of failures that trips the breaker, by the policy that its process runs. */
function limitOf(view: View): number | undefined {
  const spec = 'spec' in view ? view.spec : view.policy?.spec;
  return (spec as { trip?: { consecutiveFailures?: number } } | null | undefined)?.trip?.consecutiveFailures;
}

/** Compares as JSON: under Jest, what comes from a process has arrays and objects of another realm. */
function same(found: unknown, wanted: unknown, about = ''): void {
  assert.equal(JSON.stringify(found), JSON.stringify(wanted), about || undefined);
}
