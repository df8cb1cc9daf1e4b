/**
 * Replays the same random sequences in other circuit breakers and in ours, and prints how they compare. Ends with 1
 * when a difference has no reason, when a reason explains nothing, or, where CI is set, when a library is missing.
 */
import { CASES, type PeerName } from './cases.ts';
import { cockatiel, opossum } from './node-peers.ts';
import { MissingPeer, type Peer } from './peer.ts';
import { processPeer, startGo, startPython } from './process-peers.ts';
import { type Comparison, compare } from './replay.ts';

const SEEDS = Array.from({ length: 150 }, (_, i) => i + 1);

const missing: string[] = [];
const peers = new Map<PeerName, Peer>([
  ['opossum', opossum],
  ['cockatiel', cockatiel],
]);
for (const [start, names] of [
  [startPython, ['pybreaker', 'circuitbreaker', 'aiomisc']],
  [startGo, ['gobreaker']],
] as const) {
  try {
    const process = await start();
    for (const name of names) peers.set(name, processPeer(name, process));
  } catch (error) {
    if (!(error instanceof MissingPeer)) throw error;
    missing.push(`${names.join(', ')}: ${error.message}`);
  }
}

const unexplained: string[] = [];
const unneeded: string[] = [];
try {
  for (const name of new Set(CASES.map(({ peer }) => peer))) {
    const peer = peers.get(name);
    if (peer === undefined) continue;
    console.log(name);
    for (const one of CASES.filter((each) => each.peer === name)) {
      const result = await compare(one, peer, SEEDS);
      console.log(table(one.title, result));
      unexplained.push(...result.unexplained.map((text) => `${name}: ${text}`));
      const idle = one.reasons.filter(({ text }) => !result.differences.has(text));
      unneeded.push(...idle.map(({ text }) => `${name}: ${one.title}: ${text}`));
    }
  }
} finally {
  for (const peer of peers.values()) await peer.end();
}

for (const text of unexplained.slice(0, 5)) console.error(`\nA difference without a reason: ${text}`);
if (unexplained.length > 0) {
  console.error(`\n${unexplained.length} sequences differ without a reason.`);
  process.exitCode = 1;
}
for (const text of unneeded) console.error(`\nA reason that explains nothing any more: ${text}`);
if (unneeded.length > 0) process.exitCode = 1;
for (const text of missing) console.error(`\nNot compared with ${text}`);
if (missing.length > 0 && process.env.CI) process.exitCode = 1;

function table(title: string, result: Comparison): string {
  const { sequences, steps, admitted, rejected, openings, differences } = result;
  const lines = [
    `  ${title}`,
    `    ${sequences} sequences, ${steps} steps: both admitted ${admitted}, rejected ${rejected}, opened ${openings} times`,
  ];
  for (const [text, count] of [...differences].sort(([, a], [, b]) => b - a))
    lines.push(`    ${`${count}`.padStart(6)}  ${text}`);
  if (differences.size === 0 && result.unexplained.length === 0) lines.push('         0  differences');
  return lines.join('\n');
}
