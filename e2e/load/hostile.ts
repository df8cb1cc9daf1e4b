/**
 * A hundred hostile pods among a thousand good agents: what the good ones notice.
 *
 *     npm run bench:hostile [-- --agents 1000 --hostile 100 --edits 10 --seconds 60]
 *
 * Ends with 1 when the operator ends or takes more memory than the chart's limit, a probe fails, an edit takes more
 * than three times as long as without, or the log grows faster than allowed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KubeConfig } from '@kubernetes/client-node';
import { startCluster } from '../cluster/cluster.ts';
import { Child } from './child.ts';
import { Crowd } from './crowd.ts';
import type { HostileRequest } from './hostile-main.ts';
import { StartedOperator } from './operator.ts';
import { podTokens } from './pods.ts';
import { policiesOf, WATCHED } from './policies.ts';
import { quantiles } from './quantiles.ts';
import { clusterStore } from './store.ts';

/** The memory limit of the chart, in MiB. */
const MEMORY_MIB = 512;

/** What the probes of the chart give an answer, in ms, and how many in a row may fail. */
const PROBE_MS = 5_000;
const PROBES_IN_A_ROW = 3;

const MOST_SLOWER = 3;
const MOST_LOG_KB_PER_SECOND = 50;

const number = (text: string) => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`"${text}" is not a whole number from 1 on`);
  return value;
};
const { values } = parseArgs({
  options: {
    agents: { type: 'string', default: '1000' },
    hostile: { type: 'string', default: '100' },
    edits: { type: 'string', default: '10' },
    seconds: { type: 'string', default: '60' },
  },
});
const [agents, hostile, edits, seconds] = [values.agents, values.hostile, values.edits, values.seconds].map(number) as [
  number,
  number,
  number,
  number,
];

const cluster = await startCluster();
const crowd = new Crowd(1);
let attackers: Child<HostileRequest> | undefined;
let operator: StartedOperator | undefined;
try {
  await cluster.applyCrds();
  for (const namespace of ['load', 'hostile']) await cluster.namespace(namespace);
  const store = clusterStore(cluster.kubeconfig, 'load');
  await store.put(policiesOf('load', 10, 10));
  const config = new KubeConfig();
  config.loadFromFile(cluster.kubeconfig);
  const good = await podTokens(config, 'load', agents);
  const bad = await podTokens(config, 'hostile', hostile);
  operator = await StartedOperator.startImage(
    MEMORY_MIB,
    `--kubeconfig=${cluster.kubeconfig}`,
    '--agent-auth=token-review',
  );
  const target = operator;
  const { hostname: address, host, port } = new URL(target.url);
  await crowd.open({
    group: 'agents',
    agents,
    place: { address, host, port: Number(port), namespace: 'load', headers: '' },
    sources: process.platform === 'linux' ? 250 : 1,
    watched: WATCHED,
    report: 'keep',
    tokens: good,
  });
  let edit = 1;
  /** Makes edits for so long; how long each took to each agent, in ms. */
  const measure = async (ms: number) => {
    const applied: number[] = [];
    const end = performance.now() + ms;
    for (let made = 0; made < edits || performance.now() < end; made += 1) {
      edit += 1;
      const begun = await store.edit(edit);
      applied.push(...(await crowd.applied('agents', edit)).times.map((at) => at - begun));
      await sleep(Math.max(500, ms / edits / 2));
    }
    return quantiles(applied);
  };
  const without = await measure((seconds / 4) * 1_000);

  let [peakMib, probes, failed, inARow, mostInARow] = [0, 0, 0, 0, 0];
  const watch = setInterval(async () => {
    if (!target.lives) return;
    const passed = await Promise.all(
      (['/livez', '/readyz'] as const).map((path) => target.passesProbe(path, PROBE_MS)),
    );
    probes += passed.length;
    const missed = passed.filter((pass) => !pass).length;
    failed += missed;
    inARow = missed > 0 ? inARow + 1 : 0;
    mostInARow = Math.max(mostInARow, inARow);
    const { rssBytes, peakRssBytes = rssBytes } = await target.cost();
    peakMib = Math.max(peakMib, peakRssBytes / 2 ** 20);
  }, 1_000);
  attackers = new Child<HostileRequest>(new URL('./hostile-main.ts', import.meta.url));
  const [logBefore, begun] = [target.logBytes, performance.now()];
  await attackers.ask({ url: target.url, tokens: bad });
  const under = await measure(seconds * 1_000);
  const logKbPerSecond = (target.logBytes - logBefore) / (performance.now() - begun);
  clearInterval(watch);
  const limited = (await target.metrics()).match(/^fuseboard_limited_total\{.*\} [1-9].*$/gm) ?? [];
  await attackers.end();

  const slower = under.p99 / without.p99;
  const rows: [string, string, boolean][] = [
    ['the operator lives', target.lives ? 'yes' : 'no', target.lives],
    [`the peak of its memory, of ${MEMORY_MIB} MiB`, `${peakMib.toFixed(0)} MiB`, peakMib < MEMORY_MIB],
    [
      `probes, of which ${PROBES_IN_A_ROW} in a row may not fail`,
      `${probes - failed} of ${probes} passed, ${mostInARow} in a row failed`,
      probes > 0 && mostInARow < PROBES_IN_A_ROW,
    ],
    ['an edit without them', `p50 ${without.p50.toFixed(0)} ms, p99 ${without.p99.toFixed(0)} ms`, true],
    ['an edit with them', `p50 ${under.p50.toFixed(0)} ms, p99 ${under.p99.toFixed(0)} ms`, true],
    [`p99 with and without, at most ${MOST_SLOWER} to 1`, `${slower.toFixed(1)} to 1`, slower <= MOST_SLOWER],
    [
      `log, at most ${MOST_LOG_KB_PER_SECOND} kB/s`,
      `${logKbPerSecond.toFixed(1)} kB/s`,
      logKbPerSecond < MOST_LOG_KB_PER_SECOND,
    ],
  ];
  console.log(`${hostile} hostile pods among ${agents} agents, for ${seconds} s\n`);
  for (const [what, measured, holds] of rows) console.log(`| ${what} | ${measured} | ${holds ? 'holds' : 'BROKEN'} |`);
  console.log(`\n${limited.join('\n')}`);
  if (rows.some(([, , holds]) => !holds)) process.exitCode = 1;
} finally {
  await attackers?.end();
  await crowd.end();
  await operator?.kill();
  await cluster.stop();
}
