import { parseArgs } from 'node:util';
import { type Bounds, INVARIANTS, type Invariant } from './model/checker.ts';

export interface FaultsOptions {
  /** The seed of the first schedule; each following one has the next. */
  readonly seed: number;
  readonly steps: number;
  readonly schedules: number;
  readonly parallel: number;
  readonly speed: number;
  readonly plant?: Invariant;
  /** Whether half of the agents are those for Python. */
  readonly python: boolean;
  readonly bounds: Bounds;
  /** Where the logs of schedules with a violation go. */
  readonly keep?: string;
  readonly verbose: boolean;
}

/** A command line that cannot be used; the message says what to change. */
export class UsageError extends Error {}

export const USAGE = `Usage: npm run faults -- [options]

  --seed S             seed of the first schedule, 0 to 4294967295 (default: by the clock); the next ones follow
  --steps N            edits and faults in a schedule, 1 to 200 (default 12)
  --schedules K        how many schedules, 1 to 10000 (default 1)
  --parallel P         how many at a time on one API server, 1 to 16 (default 1)
  --speed X            how many times as fast time runs for operators and agents, 1 to 20 (default 10)
  --plant I            break I1, I2, I3, I4, I5 or I6 on purpose; it must be found
  --python             half of the agents are those for Python; needs python3, 3.10 or later
  --keep DIR           write the logs of schedules with a violation there
  --verbose            print every step of every schedule

What is still well:
  --converge-ms N      from the last fault until all agree (default 40000)
  --call-ms N          what a breaker may add to a call beyond the event loop's own lateness (default 250)
  --gap-ms N           time without a call beyond that (default 2000)
  --agent-heap-mb N    heap of an agent (default 100)
  --operator-rss-mb N  memory of an operator (default 400)`;

const TEXTS = {
  seed: String(Date.now() % 1_000_000),
  steps: '12',
  schedules: '1',
  parallel: '1',
  speed: '10',
  'converge-ms': '40000',
  'call-ms': '250',
  'gap-ms': '2000',
  'agent-heap-mb': '100',
  'operator-rss-mb': '400',
};

/**
 * Reads the command line.
 *
 * @throws {UsageError} naming the option.
 */
export function readOptions(args: readonly string[]): FaultsOptions {
  const v = parse(args);
  const plant = INVARIANTS.find((one) => one === v.plant);
  if (v.plant !== undefined && plant === undefined) {
    throw new UsageError(`--plant: must be one of ${INVARIANTS.join(', ')}, not ${JSON.stringify(v.plant)}`);
  }
  const whole = (name: keyof typeof TEXTS, min: number, max: number): number => {
    const value = Number(v[name]);
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    throw new UsageError(`--${name}: must be a whole number from ${min} to ${max}, not ${JSON.stringify(v[name])}`);
  };
  return {
    seed: whole('seed', 0, 2 ** 32 - 1),
    steps: whole('steps', 1, 200),
    schedules: whole('schedules', 1, 10_000),
    parallel: whole('parallel', 1, 16),
    speed: whole('speed', 1, 20),
    ...(plant !== undefined && { plant }),
    bounds: {
      convergeMs: whole('converge-ms', 100, 600_000),
      callMs: whole('call-ms', 1, 60_000),
      gapMs: whole('gap-ms', 100, 60_000),
      agentHeapMb: whole('agent-heap-mb', 10, 10_000),
      operatorRssMb: whole('operator-rss-mb', 50, 10_000),
    },
    python: v.python,
    ...(v.keep !== undefined && { keep: v.keep }),
    verbose: v.verbose,
  };
}

function parse(args: readonly string[]) {
  const text = <N extends keyof typeof TEXTS>(name: N) => ({ type: 'string', default: TEXTS[name] }) as const;
  try {
    return parseArgs({
      args: [...args],
      options: {
        seed: text('seed'),
        steps: text('steps'),
        schedules: text('schedules'),
        parallel: text('parallel'),
        speed: text('speed'),
        'converge-ms': text('converge-ms'),
        'call-ms': text('call-ms'),
        'gap-ms': text('gap-ms'),
        'agent-heap-mb': text('agent-heap-mb'),
        'operator-rss-mb': text('operator-rss-mb'),
        plant: { type: 'string' },
        python: { type: 'boolean', default: false },
        keep: { type: 'string' },
        verbose: { type: 'boolean', default: false },
      },
    }).values;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}
