import type { SimulateRequest } from '@fuseboard/simulator';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { CliError, EXIT_CODES } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';

type Simulator = typeof import('@fuseboard/simulator');
type Read = NonNullable<SimulateRequest['read']>;
type Stretch = NonNullable<SimulateRequest['incident']>[number];

/** The options that describe recorded calls and their interpretation. */
export interface CallOptions {
  readonly calls: string[];
  readonly format?: string;
  readonly fields?: string;
  readonly breaker?: string;
  readonly breakerFrom?: string;
  readonly keyFrom?: string;
  readonly exclude?: string[];
  readonly failureStatus?: string[];
  readonly notFailure?: string[];
  readonly timezone?: string;
  readonly processes?: number;
  readonly sampled?: number;
  readonly sampling?: 'head' | 'tail';
  readonly incident?: Stretch[];
  readonly calm?: Stretch[];
}

/** Adds these options to a command that cannot do without calls. */
export function withCallOptions(command: Command): Command {
  return withReading(
    command.requiredOption(
      '--calls <files...>',
      'recorded calls: access logs, traces, load tests, recordings of agents; .gz too',
    ),
  )
    .option('--breaker <name>', 'look at this breaker only; where the record names none, all calls are of it')
    .option('--incident <from/to...>', 'a stretch that is an incident: dates, or seconds of the record', stretches)
    .option('--calm <from/to...>', 'a stretch that is calm', stretches);
}

/** The options of a command that may look at calls. */
export interface MaybeCalls extends Partial<CallOptions> {
  readonly calls?: string[];
}

/** Adds the options to a command that also works without calls. */
export function withOptionalCalls(command: Command): Command {
  return withReading(
    command.option(
      '--calls <files...>',
      'also say what these recorded calls show, such as how often minimumCalls is reached',
    ),
  );
}

function withReading(command: Command): Command {
  return command
    .option('--format <name>', 'the format of the files; absent: told from their first lines')
    .option('--fields <names>', 'for CSV and NDJSON: which field holds what, such as time=ts,duration=ms,status=code')
    .option('--breaker-from <attribute>', 'what names the breaker of a call, such as host or path=/^\\/api\\/([^/]+)/')
    .option('--key-from <attribute>', 'what names the key of a call')
    .option('--exclude <matches...>', 'leave out calls, such as path=/healthz')
    .option('--failure-status <statuses...>', 'statuses that are failures, such as 429 or 5xx; absent: 5xx')
    .option('--not-failure <errors...>', 'kinds of error that are answers, such as precondition')
    .option('--timezone <zone>', 'the zone of times without one; absent: UTC')
    .option('--processes <count>', 'how many processes made the calls, where the record does not say; absent: 1', whole)
    .option('--sampled <share>', 'the share of calls that the record holds, such as 0.1', share)
    .addOption(new Option('--sampling <kind>', 'how calls were chosen').choices(['head', 'tail']));
}

function whole(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError('give a whole number from 1.');
  return Number(text);
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value <= 1)) throw new InvalidArgumentError('give a share above 0, at most 1.');
  return value;
}

function stretches(text: string, before: Stretch[] | undefined): Stretch[] {
  const [from, to, ...more] = text.split('/').map(instant);
  if (from === undefined || to === undefined || more.length > 0 || !(from < to)) {
    throw new InvalidArgumentError('give two times, such as 2026-11-10T14:02Z/2026-11-10T14:09Z or 120/180 (seconds).');
  }
  return [...(before ?? []), { from, to }];
}

function instant(text: string): number | undefined {
  const at = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}

/** The request to the simulator, without the policies. */
export function callsRequest(
  options: CallOptions,
  terminal: Terminal,
  { parseExclusion, parseFields, parseSelector }: Simulator,
) {
  const read: Read = {
    ...(options.format === undefined ? {} : { format: options.format as NonNullable<Read['format']> }),
    ...(options.fields === undefined ? {} : { fields: usable(() => parseFields(options.fields!)) }),
    ...(options.breaker === undefined ? {} : { breaker: options.breaker }),
    ...(options.breakerFrom === undefined ? {} : { breakerFrom: usable(() => parseSelector(options.breakerFrom!)) }),
    ...(options.keyFrom === undefined ? {} : { keyFrom: usable(() => parseSelector(options.keyFrom!)) }),
    ...(options.exclude === undefined ? {} : { exclude: usable(() => options.exclude!.map(parseExclusion)) }),
    ...(options.failureStatus === undefined ? {} : { failureStatuses: options.failureStatus }),
    ...(options.notFailure === undefined ? {} : { successErrors: options.notFailure }),
    ...(options.timezone === undefined ? {} : { timezone: options.timezone }),
    ...(options.sampling === undefined
      ? {}
      : { sampling: { kind: options.sampling, ...(options.sampled === undefined ? {} : { rate: options.sampled }) } }),
  };
  return {
    calls: options.calls,
    read,
    onProgress: progress(terminal),
    ...(options.processes === undefined ? {} : { processes: options.processes }),
    ...(options.incident === undefined ? {} : { incident: options.incident }),
    ...(options.calm === undefined ? {} : { calm: options.calm }),
  };
}

function usable<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CliError(EXIT_CODES.usage, (error as Error).message);
  }
}

/** Reports the progress and the estimated remaining time on a terminal. */
function progress({ err }: Terminal): (part: string, done: number, of: number) => void {
  const began = performance.now();
  return (part, done, of) => {
    if (!err.isTTY) return;
    const left = ((performance.now() - began) / done) * (of - done);
    err.write(`\r\x1b[K${done < of ? `${part}: ${done} of ${of}, about ${Math.ceil(left / 1_000)} s left` : ''}`);
  };
}

/** Loads the simulator, which an operator-only container image does not contain. */
async function loadSimulator(): Promise<Simulator> {
  try {
    return await import('@fuseboard/simulator');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new CliError(
      EXIT_CODES.unreachable,
      'the package @fuseboard/simulator is not installed; run npm install @fuseboard/simulator',
    );
  }
}

/** Runs the simulator; invalid input becomes a one-line error. */
export async function simulated<T>(run: (simulator: Simulator) => Promise<T>): Promise<T> {
  const simulator = await loadSimulator();
  try {
    return await run(simulator);
  } catch (error) {
    if (error instanceof simulator.InputError) throw new CliError(EXIT_CODES.unreachable, error.message);
    if (error instanceof Error && error.name === 'ConfigError') throw new CliError(EXIT_CODES.problems, error.message);
    throw error;
  }
}
