/**
 * Plays seeded schedules of faults against real operators, agents and an API server, and says which invariant did not
 * hold.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cluster, startCluster } from '../cluster/cluster.ts';
import { described, plan } from './model/plan.ts';
import { type FaultsOptions, readOptions, USAGE, UsageError } from './options.ts';
import { playSchedule, type ScheduleResult } from './schedule.ts';
import { story } from './story.ts';

/** Schedules that play at the same time begin one after the other, so that not all start their processes at once. */
const APART_MS = 3_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

async function play(cluster: Cluster, options: FaultsOptions, seed: number): Promise<ScheduleResult> {
  const { steps, speed, bounds, plant, python } = options;
  const planned = plan(seed, steps);
  if (options.verbose) for (const step of planned.steps) say(`${seed}: +${step.afterMs} ms ${described(step.act)}`);
  const folder = join(cluster.folder, `schedule-${seed}`);
  return playSchedule({ cluster, folder, plan: planned, speed, bounds, python, ...(plant !== undefined && { plant }) });
}

function tell(options: FaultsOptions, seed: number, outcome: ScheduleResult): void {
  const { violations, records, tookMs, convergedMs, operatorLogs } = outcome;
  const calls = records.filter(({ kind }) => kind === 'call').length;
  const sets = records.filter(({ kind }) => kind === 'applied').length;
  say(
    `seed ${seed}: ${violations.length === 0 ? 'well' : `${violations.length} VIOLATIONS`}; ${sets} sets, ${calls} calls, ` +
      `${(tookMs / 1_000).toFixed(1)} s, all agreed ${(convergedMs / 1_000).toFixed(1)} s after the last fault`,
  );
  const told = new Set<string>();
  for (const violation of violations) {
    if (told.has(violation.invariant)) continue;
    told.add(violation.invariant);
    const { invariant, agent = 'the operator', message } = violation;
    say(`\n${invariant} does not hold for ${agent}: ${message}`);
    for (const line of story(violation, records)) say(line);
    const plant = options.plant === undefined ? '' : ` --plant ${options.plant}`;
    const python = options.python ? ' --python' : '';
    const { steps, speed } = options;
    say(`Replay: npm run faults -- --seed ${seed} --steps ${steps} --speed ${speed}${plant}${python}\n`);
  }
  if (violations.length === 0 || options.keep === undefined) return;
  mkdirSync(options.keep, { recursive: true });
  const lines = records.map((record) => JSON.stringify(record));
  writeFileSync(join(options.keep, `schedule-${seed}.jsonl`), `${lines.join('\n')}\n`);
  for (const [i, log] of operatorLogs.entries())
    writeFileSync(join(options.keep, `schedule-${seed}-replica-${i}.log`), log);
}

async function run(options: FaultsOptions): Promise<boolean> {
  const cluster = await startCluster();
  const begun = performance.now();
  let bad = 0;
  let calls = 0;
  try {
    await cluster.applyCrds();
    const seeds = Array.from({ length: options.schedules }, (_, i) => options.seed + i);
    const player = async (place: number) => {
      await sleep(place * APART_MS);
      for (let seed = seeds.shift(); seed !== undefined; seed = seeds.shift()) {
        const outcome = await play(cluster, options, seed).catch((error: Error) => error);
        if (outcome instanceof Error) {
          say(`seed ${seed}: could not be played: ${outcome.stack}`);
          bad += 1;
          continue;
        }
        tell(options, seed, outcome);
        calls += outcome.records.filter(({ kind }) => kind === 'call').length;
        const found = outcome.violations.some(({ invariant }) => invariant === options.plant);
        if (options.plant === undefined ? outcome.violations.length > 0 : !found) bad += 1;
      }
    };
    await Promise.all(Array.from({ length: options.parallel }, (_, place) => player(place)));
  } finally {
    await cluster.stop();
  }
  const seconds = Math.round((performance.now() - begun) / 1_000);
  const wrong =
    options.plant === undefined ? 'with a violation' : `in which the planted ${options.plant} was not found`;
  say(`${options.schedules} schedules of ${options.steps} steps in ${seconds} s, ${calls} calls: ${bad} ${wrong}`);
  return bad === 0;
}

if (process.argv.includes('--help')) {
  say(USAGE);
  process.exit();
}
try {
  process.exit((await run(readOptions(process.argv.slice(2)))) ? 0 : 1);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}\n`);
  process.exit(2);
}
