/** Plays the life of a policy on a fleet in both languages: `npm run fleet:mixed -- --node 20 --python 20`. */
import { parseArgs } from 'node:util';
import { playMixedFleet } from './mixed-fleet.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

/** The most processes of one language: more of them take more memory than most machines have. */
const MOST = 200;

function whole(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MOST) return value;
  process.stderr.write(`--${name}: must be a whole number from 1 to ${MOST}, not ${JSON.stringify(text)}\n`);
  process.exit(2);
}

const { values } = parseArgs({
  options: { node: { type: 'string', default: '20' }, python: { type: 'string', default: '20' } },
});
const [node, python] = [whole('node', values.node), whole('python', values.python)];
const begun = performance.now();
await playMixedFleet({ node, python, say });
say(
  `${node} processes in Node and ${python} in Python: all of it, in ${Math.round((performance.now() - begun) / 1_000)} s`,
);
