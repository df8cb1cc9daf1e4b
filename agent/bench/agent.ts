/**
 * What a call through a breaker costs, beside the other breakers of Node and as a ratio to the same call without one:
 * `npm run bench:agent -- --help`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { Command } from 'commander';
import { judge } from './budget.ts';
import { bare, load, names } from './libraries/index.ts';
import { measureMemory } from './memory.ts';
import { runOn } from './other-node.ts';
import { measure } from './rounds.ts';
import { type Report, writeDocs } from './table.ts';

interface Options {
  readonly check?: boolean;
  readonly json?: string;
  readonly node?: string;
  readonly docs?: string | true;
  readonly only?: string;
  readonly libraries?: string;
  readonly rounds: string;
  readonly memory: boolean;
}

const options = new Command('npm run bench:agent --')
  .description('Measures what a call through a breaker costs, in one run and alternating rounds.')
  .option(
    '--check',
    'end with 1 if a row of the budget is missed: beside other breakers, and beside the bare call on slower cores',
  )
  .option('--json <file>', 'write what was measured')
  .option('--node <version>', 'run the built package on another Node: 20, 22 or 24')
  .option('--docs [file]', 'write the table of docs/performance.md, from this run or from a file of --json')
  .option('--only <text>', 'only cases whose name contains this; no memory')
  .option('--libraries <names>', `some of ${names.join(',')}`)
  .option('--rounds <count>', 'rounds of 20 ms for each case and library', '40')
  .option('--no-memory', 'leave out memory, timers and idle CPU')
  .parse()
  .opts<Options>();

const say = (line: string): void => console.log(line);

if (typeof options.docs === 'string') writeDocs(JSON.parse(readFileSync(options.docs, 'utf8')) as Report);
else if (options.node === undefined) await bench();
else process.exitCode = await runOn(options.node, process.argv.slice(2));

async function bench(): Promise<void> {
  const { only, docs, check, json } = options;
  const wanted = options.libraries?.split(',') ?? names;
  const libraries = [bare];
  for (const name of wanted) {
    const library = await load(name, say);
    if (library !== undefined) libraries.push(library);
  }
  say(`Node ${process.versions.node}, ${cpus()[0]?.model}; the least of ${options.rounds} rounds`);
  const cases = await measure(
    libraries,
    (name) => only === undefined || name.includes(only),
    Number(options.rounds),
    say,
  );
  const others = libraries.filter((library) => library !== bare).map(({ name }) => name);
  const memory = options.memory && only === undefined ? await measureMemory(others, say) : [];
  const report: Report = {
    node: process.versions.node,
    cpu: cpus()[0]?.model ?? 'unknown',
    date: new Date().toISOString().slice(0, 10),
    cases,
    memory,
  };
  if (json !== undefined) writeFileSync(json, `${JSON.stringify(report, undefined, 2)}\n`);
  if (docs) writeDocs(report);
  const verdicts = judge(cases, memory);
  for (const { row, verdict } of verdicts) say(`${verdict}: ${row}`);
  const isMissed = verdicts.some(({ verdict }) => verdict === 'missed');
  if (check && !isMissed) say('Every row of the budget that was measured and holds on this core is met.');
  // Timers of other breakers that cannot be stopped would keep the process.
  process.exit(check && isMissed ? 1 : 0);
}
