/** What pushing policies to many agents costs: `npm run bench:fanout -- --agents 1000`. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { missed, unmeasured } from './budget.ts';
import { fileLimit, filesFor } from './files.ts';
import { runningOperator, StartedOperator, type Target } from './operator.ts';
import { type LoadOptions, readOptions, USAGE, UsageError } from './options.ts';
import { policiesOf } from './policies.ts';
import { watchReviews } from './reviews.ts';
import { edited, type Ground, groupOf, type Result, run, type SweepRow } from './run.ts';
import { openSecurely, TLS_ARGS } from './secure.ts';
import { clusterStore, folderStore, type Store } from './store.ts';
import { table } from './table.ts';

const SWEEP_AGENTS = 50;
/** An agent is reviewed at every other report. */
const LEAST_REVIEWS_MS = 30_000;

const say = (line: string) => process.stderr.write(`${line}\n`);

/** Stands up what is to be measured, has it measured and takes it down again, whatever happens. */
async function on<T>(
  options: LoadOptions,
  work: (ground: Ground) => Promise<T>,
  ...more: readonly string[]
): Promise<T> {
  const { where, namespace } = options;
  const folder = await mkdtemp(join(tmpdir(), 'fuseboard-load-'));
  let cluster: Cluster | undefined;
  let target: Target | undefined;
  let store: Store | undefined;
  const args = [`--max-connections=${2 * options.agents + 100}`, ...options.operator, ...more];
  try {
    if (where.kind === 'cluster') {
      cluster = await startCluster();
      await cluster.applyCrds();
      await cluster.namespace(namespace);
      store = clusterStore(cluster.kubeconfig, namespace);
      target = await StartedOperator.start(`--kubeconfig=${cluster.kubeconfig}`, ...args);
    } else if (where.kind === 'folder') {
      store = folderStore(join(folder, 'policies'), namespace);
      await store.put([]);
      target = await StartedOperator.start(`--policies=${join(folder, 'policies')}`, ...args);
    } else {
      store =
        where.folder === undefined ? clusterStore(where.kubeconfig!, namespace) : folderStore(where.folder, namespace);
      target = runningOperator(where.url, where.metricsUrl);
    }
    return await work({ store, target });
  } finally {
    if (target instanceof StartedOperator) await target.kill();
    else await store?.clear();
    await cluster?.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(options: LoadOptions): Promise<Result> {
  const files = filesFor(options, fileLimit());
  say(
    `open files: ${files.operator} for the operator, ${files.process} for each of ${options.processes} processes of agents; the limit is ${files.limit}`,
  );
  if (!files.keepReports) say('the limit is too low for a second connection an agent: reports open one each time');
  if (options.profile !== undefined) await mkdir(options.profile, { recursive: true });
  const token = options.tokenFile === undefined ? undefined : (await readFile(options.tokenFile, 'utf8')).trim();
  const result = await on(options, (ground) =>
    run({ ...options, ...(token !== undefined && { token }) }, files, ground, say),
  );
  const sweep: SweepRow[] = [];
  for (const policies of options.sweep) {
    const profile = options.profile && join(options.profile, `edits-among-${policies}.cpuprofile`);
    const few = { ...options, agents: Math.min(options.agents, SWEEP_AGENTS) };
    sweep.push(await on(few, (ground) => edited(few, policies, ground, profile)));
    say(`one edit among ${policies} policies measured`);
  }
  const report = files.keepReports ? 'keep' : 'close';
  const secure = options.tls ? await securely(options, report) : undefined;
  if (secure) say(`${secure.agents} agents over TLS measured`);
  const { processes, agents, steadyMs } = options;
  const ms = Math.max(steadyMs, LEAST_REVIEWS_MS);
  const reviews = options.reviews ? await watchReviews(agents, { processes, report, ms }) : undefined;
  return {
    ...result,
    ...(sweep.length > 0 && { sweep }),
    ...(secure && { secure }),
    ...(reviews && { reviews }),
  };
}

/** Over TLS, on an operator that does nothing else. */
const securely = (options: LoadOptions, report: 'keep' | 'close') =>
  on(
    options,
    async ({ store, target }) => {
      await store.put(policiesOf(options.namespace, options.matched, options.matched));
      const group = { ...groupOf(options, target.url), group: 'agents', report };
      return openSecurely(group, target as StartedOperator, options.processes);
    },
    ...TLS_ARGS,
  );

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  const load = loadavg()[0]!;
  const expired = setTimeout(() => {
    say(`given up after ${options.maxMinutes} min; allow more with --max-minutes`);
    process.exit(1);
  }, options.maxMinutes * 60_000).unref();
  const result = await measure(options);
  clearTimeout(expired);
  const machine = { cores: availableParallelism(), node: process.version, loadBefore: load };
  process.stdout.write(`${table(result, machine)}\n`);
  const misses = [...missed(result), ...(options.check ? unmeasured(result, options) : [])];
  if (options.json !== undefined) {
    await writeFile(options.json, `${JSON.stringify({ machine, ...result, missed: misses }, undefined, 2)}\n`);
  }
  for (const miss of misses) say(`missed: ${miss}`);
  return options.check && misses.length > 0 ? 1 : 0;
}

try {
  if (process.argv.includes('--help')) process.stdout.write(`${USAGE}\n`);
  else process.exitCode = await main();
} catch (error) {
  say(error instanceof UsageError ? `${error.message}\n\n${USAGE}` : String((error as Error).stack ?? error));
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
