import { readdirSync, readFileSync } from 'node:fs';
import { anything, deepen, mutateBytes, mutateJson } from './mutation.ts';
import type { Random } from './random.ts';

/** What became of one input. */
export interface Verdict {
  /** Whether it was taken for sound; shows how deep inputs reach. */
  readonly sound: boolean;
  /** How much was made of it, in bytes, give or take. Absent: not measured. */
  readonly made?: number;
}

/** A place where bytes come in from outside. */
export interface Target {
  readonly name: string;
  /** Where inputs begin: real messages. */
  readonly corpus: readonly Buffer[];
  /** How many of a thousand inputs are this target's. */
  readonly share: number;
  /** Changes an input in its own grammar. Absent: as bytes. */
  readonly mutate?: (input: Buffer, random: Random) => Buffer;
  /** @throws a `Violation` when a property does not hold; whatever else it throws is one too. */
  run(input: Buffer): Verdict | Promise<Verdict>;
  /** Processor time that a short input may stand for, in ms, in addition to that for its length. Absent: 0. */
  readonly standsForMs?: number;
  /** Ends what it started. */
  end?(): Promise<void>;
}

/** Something that must never be. */
export class Violation extends Error {}

/** @throws {Violation} */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Violation(what);
}

/** The committed messages of a target, in the order of their names. */
export function corpus(name: string): Buffer[] {
  const folder = new URL(`corpus/${name}/`, import.meta.url);
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(new URL(file, folder)));
}

/** One input: a message of the corpus, as it is or changed some times, or something made up. */
export function inputOf({ corpus: known, mutate }: Target, random: Random): Buffer {
  if (random.chance(5)) return anything(random);
  let input = random.pick(known);
  const times = random.size(8) - (random.chance(20) ? 1 : 0);
  for (let i = 0; i < times; i += 1) {
    input = mutate && random.chance(70) ? mutate(input, random) : mutateBytes(input, random, known);
  }
  return input.length > MAX_INPUT ? input.subarray(0, MAX_INPUT) : input;
}

/** Longer ones are cut: longer than any bound that is tried here, but for the 4 MiB of routes. */
const MAX_INPUT = 300_000;

/** The grammar of JSON: changes the tree, where the input is one. */
export function asJson(input: Buffer, random: Random): Buffer {
  try {
    const tree: unknown = JSON.parse(input.toString());
    if (random.chance(3)) return Buffer.from(deepen(input.toString(), random));
    return Buffer.from(JSON.stringify(mutateJson(tree, random)) ?? 'null');
  } catch {
    // Not JSON, or nested too deep to be changed once more.
    return input;
  }
}

/** Inputs that are JSON: what can be parsed is run, and changed in its grammar. */
export function inJson(run: (given: unknown) => Verdict): Pick<Target, 'mutate' | 'run'> {
  return {
    mutate: asJson,
    run(input) {
      let given: unknown;
      try {
        given = JSON.parse(input.toString());
      } catch {
        return { sound: false };
      }
      return run(given);
    },
  };
}

/** The grammar of lines: swaps, drops and doubles them, and changes the JSON after a `data: `. */
export function asLines(input: Buffer, random: Random): Buffer {
  const lines = input.toString('latin1').split('\n');
  const at = random.below(lines.length);
  switch (random.below(5)) {
    case 0:
      lines.splice(at, random.size(4));
      break;
    case 1:
      lines.splice(at, 0, ...lines.slice(at, at + random.size(6)));
      break;
    case 2: {
      const other = random.below(lines.length);
      [lines[at], lines[other]] = [lines[other]!, lines[at]!];
      break;
    }
    default: {
      const dataLines = lines.flatMap((line, i) => (line.startsWith('data: ') ? [i] : []));
      if (dataLines.length === 0) break;
      const chosen = random.pick(dataLines);
      lines[chosen] = `data: ${asJson(Buffer.from(lines[chosen]!.slice(6), 'latin1'), random).toString('latin1')}`;
    }
  }
  return Buffer.from(lines.join(random.chance(90) ? '\n' : '\r\n'), 'latin1');
}
