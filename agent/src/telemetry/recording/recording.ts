import { observeCalls } from '../../breakers/observers/call-observers.ts';
import type { EarlyCalls } from '../../breakers/observers/early-calls.ts';
import { checkOptions } from '../../errors/options.ts';
import { AGENT_VERSION } from '../../version.ts';
import { readRecordSettings, recorderFor, recorderForFile } from './record.ts';
import type { RecordOptions, RecordSink } from './record-options.ts';
import { RecordedCalls } from './recorded-calls.ts';
import type { Recorder } from './recorder.ts';

export type { RecordOptions, RecordSink };

/** A running recording. */
export interface Recording {
  /** Passes pending calls to the sink; settles when the sink has accepted them. Never rejects. */
  flush(): Promise<void>;
  /** Passes pending calls to the sink and ends the recording. Never rejects. */
  stop(): Promise<void>;
}

/**
 * Records every call of every breaker of this process, off the path of the call. The sink gets lines of the format
 * `calls/1` at least once a second. Several recordings may run at once.
 *
 * @returns undefined when this process is not part of the recording share.
 * @throws TypeError when the sink or an option is invalid.
 */
export function record(sink: RecordSink, options: RecordOptions = {}): Recording | undefined {
  checkOptions('record', options, { share: 'number', instance: 'string', warn: 'function' });
  return begin(recorderFor(sink, AGENT_VERSION, options));
}

/**
 * Records to the file named in the environment, if any. Never throws; an invalid setting causes a warning.
 *
 * @param early earlier calls, which are recorded too.
 * @internal
 */
export function recordAsEnvironmentSays(
  env: Readonly<Record<string, string | undefined>>,
  warn: (message: string) => void,
  early?: EarlyCalls,
): Recording | undefined {
  try {
    const settings = readRecordSettings(env);
    if (settings.path === undefined) return undefined;
    for (const problem of settings.problems) warn(problem);
    return begin(recorderForFile(settings, AGENT_VERSION, { warn }), early);
  } catch (error) {
    warn(`calls are not recorded: ${(error as Error).message}`);
    return undefined;
  }
}

function begin(recorder: Recorder | undefined, early?: EarlyCalls): Recording | undefined {
  if (recorder === undefined) return undefined;
  const calls = new RecordedCalls(recorder);
  early?.replayTo(calls);
  const end = observeCalls(calls);
  return {
    flush: () => recorder.flush(),
    stop: () => {
      end();
      return recorder.close();
    },
  };
}
