import { Random, seedOf } from './random.ts';
import { inputOf, type Target, type Verdict, Violation } from './target.ts';

/** An input at which a property does not hold. */
export interface Finding {
  readonly target: string;
  readonly seed: number;
  readonly index: number;
  readonly input: Buffer;
  readonly message: string;
}

export interface TargetSummary {
  readonly target: string;
  inputs: number;
  sound: number;
  bytes: number;
  seconds: number;
  /** The most processor time of this thread that one input took, in ms. */
  slowest: number;
  /** The most memory that the process held while it ran, in bytes, that of the targets before it included. */
  peak: number;
  readonly findings: Finding[];
}

/** Processor time for an input, in ms: much more than any needs. Time on the wall says as much about the machine. */
const timeFor = ({ standsForMs = 0 }: Target, bytes: number) => 250 + standsForMs + bytes / 100;

/** How many inputs there are to a look at the memory: a look takes as long as a short input. */
const MEMORY_EVERY = 16;

/** What may be made of an input, in bytes. */
const roomFor = (bytes: number) => 65_536 + bytes * 64;

const MAX_FINDINGS = 5;

/** Tries inputs `from` to `from + count - 1` of a target; stops at the fifth finding. */
export async function fuzz(target: Target, seed: number, count: number, from = 0): Promise<TargetSummary> {
  const { name } = target;
  const summary: TargetSummary = {
    target: name,
    inputs: 0,
    sound: 0,
    bytes: 0,
    seconds: 0,
    slowest: 0,
    peak: 0,
    findings: [],
  };
  const began = performance.now();
  for (let index = from; index < from + count && summary.findings.length < MAX_FINDINGS; index += 1) {
    const input = inputOf(target, new Random(seedOf(seed, name, index)));
    summary.inputs += 1;
    summary.bytes += input.length;
    try {
      const { sound } = await one(target, input, summary);
      if (sound) summary.sound += 1;
    } catch (error) {
      const { message, stack = message } = error as Error;
      const description = error instanceof Violation ? message : stack.split('\n').slice(0, 4).join(' ');
      summary.findings.push({ target: name, seed, index, input, message: description });
    }
    if (index % MEMORY_EVERY === 0) summary.peak = Math.max(summary.peak, process.memoryUsage.rss());
  }
  await target.end?.();
  summary.seconds = (performance.now() - began) / 1_000;
  return summary;
}

async function one(target: Target, input: Buffer, summary: TargetSummary): Promise<Verdict> {
  const once = async () => {
    const before = process.threadCpuUsage();
    const outcome = target.run(input);
    const verdict = outcome instanceof Promise ? await outcome : outcome;
    const { user, system } = process.threadCpuUsage(before);
    return { verdict, ms: (user + system) / 1_000 };
  };
  const { verdict, ms } = await once();
  summary.slowest = Math.max(summary.slowest, ms);
  if (ms > timeFor(target, input.length)) {
    const again = Math.min(ms, (await once()).ms, (await once()).ms);
    if (again > timeFor(target, input.length))
      throw new Violation(`took ${again.toFixed(0)} ms for ${input.length} bytes`);
  }
  const { made = 0 } = verdict;
  if (made > roomFor(input.length)) throw new Violation(`made ${made} bytes of ${input.length}`);
  return verdict;
}
