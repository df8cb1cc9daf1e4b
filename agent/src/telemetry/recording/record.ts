import { hostname } from 'node:os';
import { checkMethods } from '../../errors/options.ts';
import type { RecordOptions, RecordSink } from './record-options.ts';
import { Recorder } from './recorder.ts';
import { RotatingGzipFile } from './rotating-gzip-file.ts';

/** The settings of a recording in the environment. */
export interface RecordSettings {
  /** Absent: nothing is recorded. */
  readonly path?: string;
  readonly share: number;
  readonly maxBytes: number;
  readonly files: number;
  /** Messages about invalid settings. */
  readonly problems: readonly string[];
}

/** The environment variables; all but the first have a default. */
export const RECORD_VARIABLES = {
  path: 'FUSEBOARD_RECORD',
  share: 'FUSEBOARD_RECORD_SHARE',
  maxMb: 'FUSEBOARD_RECORD_MAX_MB',
  files: 'FUSEBOARD_RECORD_FILES',
} as const;

const MAX_MB = 64;
const FILES = 4;

/** Reads the settings of the environment. Never throws; an invalid one becomes a problem and gets its default. */
export function readRecordSettings(env: Readonly<Record<string, string | undefined>>): RecordSettings {
  const problems: string[] = [];
  const number = (name: string, otherwise: number, fits: (value: number) => boolean, expected: string): number => {
    const text = env[name];
    if (text === undefined || text === '') return otherwise;
    const value = Number(text);
    if (fits(value)) return value;
    problems.push(`${name} must be ${expected}, got "${text}"; ${otherwise} is used`);
    return otherwise;
  };
  const share = number(RECORD_VARIABLES.share, 1, (value) => value > 0 && value <= 1, 'a number over 0 up to 1');
  const maxMb = number(
    RECORD_VARIABLES.maxMb,
    MAX_MB,
    (value) => value > 0 && value <= 100_000,
    'a number of megabytes over 0',
  );
  const files = number(
    RECORD_VARIABLES.files,
    FILES,
    (value) => Number.isInteger(value) && value >= 1 && value <= 1000,
    'a whole number from 1 to 1000',
  );
  const path = env[RECORD_VARIABLES.path];
  return {
    ...(path === undefined || path === '' ? {} : { path: filled(path) }),
    share,
    maxBytes: maxMb * 1e6,
    files,
    problems,
  };
}

/** Fills in `{pid}` and `{host}`, because two processes must not write to one file. */
function filled(path: string): string {
  return path.replaceAll('{pid}', String(process.pid)).replaceAll('{host}', hostname());
}

/**
 * Creates the recorder of this process's calls for a sink.
 *
 * @param agent version of the agent, for the header.
 * @param draw a number from 0 up to 1 that decides whether this process records.
 * @returns undefined when this process is not of the share that records.
 * @throws TypeError when the sink or the share cannot be used.
 */
export function recorderFor(
  sink: RecordSink,
  agent: string,
  { share = 1, instance = defaultInstance(), warn }: RecordOptions = {},
  draw: number = Math.random(),
): Recorder | undefined {
  checkMethods('the sink of record', sink, 'write', ...(Object(sink).writeSync === undefined ? [] : ['writeSync']));
  if (!(share > 0 && share <= 1)) throw new TypeError(`record: share must be a number over 0 up to 1, got ${share}`);
  if (draw >= share) return undefined;
  return new Recorder(sink, { header: { agent, instance, share }, ...(warn === undefined ? {} : { warn }) });
}

/**
 * Creates a recorder for the settings of the environment, into a file that is rotated and compressed. Pending calls are
 * written when the process exits.
 *
 * @returns undefined when the environment names no file, or this process is not of the share that records.
 */
export function recorderForFile(
  settings: RecordSettings,
  agent: string,
  options: RecordOptions = {},
): Recorder | undefined {
  const { path, share, maxBytes, files } = settings;
  if (path === undefined) return undefined;
  const recorder = recorderFor(new RotatingGzipFile({ path, maxBytes, files }), agent, { share, ...options });
  if (recorder !== undefined) process.once('exit', () => recorder.closeSync());
  return recorder;
}

function defaultInstance(): string {
  return `${hostname()}-${process.pid}`;
}
