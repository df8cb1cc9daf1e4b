import { ReadError, type ReadOptions, type ReadSummary, readCalls, UNNAMED } from '@fuseboard/traffic';
import { type BreakerRecording, collect } from '../calls/recording.ts';
import { type GivenPolicy, InputError, isFor } from './policies.ts';

export interface Recordings {
  readonly breakers: readonly BreakerRecording[];
  readonly summary: ReadSummary;
}

/** @throws InputError when the files are unreadable or contain no call of the requested breaker. */
export async function readRecordings(paths: readonly string[], options: ReadOptions): Promise<Recordings> {
  try {
    const calls = readCalls(paths, options);
    const breakers = await collect(calls);
    return { breakers: [...breakers].sort((a, b) => b.calls - a.calls), summary: calls.summary() };
  } catch (error) {
    if (error instanceof ReadError) throw new InputError(error.message);
    throw error;
  }
}

type For = Pick<GivenPolicy, 'breakers'>;

const EVERY = '*';

/**
 * The recorded breakers. Where neither the record nor the user names one, its calls are those of the only breaker that
 * the policies are for.
 *
 * @throws InputError when the policies are for several.
 */
export function namedBy(policies: readonly For[], { breakers }: Recordings): readonly BreakerRecording[] {
  if (!isNameless({ breakers })) return breakers;
  const [name, ...others] = new Set(policies.flatMap((each) => each.breakers).filter((each) => each !== EVERY));
  if (others.length > 0) {
    throw new InputError(
      `the record names no breaker, and the policies are for several (${[name, ...others].slice(0, 10).join(', ')}); say with --breaker which one its calls are of`,
    );
  }
  return name === undefined ? breakers : [{ ...breakers[0]!, breaker: name }];
}

/** Whether the record names no breaker, and the user named none either. */
export const isNameless = ({ breakers }: Pick<Recordings, 'breakers'>) =>
  breakers.length === 1 && breakers[0]!.breaker === UNNAMED;

/** @throws InputError when no policy is for a recorded breaker. */
export function refuseUnrelated(policies: readonly For[], breakers: readonly BreakerRecording[]): void {
  if (policies.length === 0) return;
  if (breakers.some(({ breaker }) => policies.some((policy) => isFor(policy, breaker)))) return;
  const names = breakers.slice(0, 10).map(({ breaker }) => breaker);
  throw new InputError(`no policy is for a recorded breaker (${names.join(', ')}); name one with --breaker`);
}

/** A summary of the record and its interpretation, to print before any figure. */
export function readingText({ summary, breakers }: Recordings): string {
  const files = summary.files.map(
    ({ path, title, lines, badLines }) =>
      `${path}: ${title}, ${lines} records${badLines > 0 ? `, ${badLines} unreadable` : ''}`,
  );
  const statuses = summary.statusTable.map(({ seen, outcome, calls }) => `${seen} ${calls} as ${outcome}`);
  return [
    ...files,
    ...summary.badSamples.map((sample) => `  unreadable: ${sample}`),
    `taken for: ${statuses.join(', ')}`,
    ...(breakers.length > 1
      ? [`breakers: ${breakers.map(({ breaker, calls }) => `${breaker} ${calls}`).join(', ')}`]
      : []),
    ...summary.notes.map((note) => `note: ${note}`),
    '',
  ].join('\n');
}

/** @throws InputError when the sampling of the record makes runs and shares wrong. */
export function refuseSampled({ summary: { sampling } }: Recordings, isStated: boolean): void {
  if (sampling === undefined || isStated) return;
  const rate = sampling.rate === undefined ? '' : ` (${Math.round(sampling.rate * 100)} % kept)`;
  throw new InputError(
    `the record is sampled${rate}: ${sampling.kind === 'tail' ? 'failures were kept more often, so their share is wrong' : 'calls are missing, so runs and windows are wrong'}; give a record of all calls, or state --sampling to continue`,
  );
}
