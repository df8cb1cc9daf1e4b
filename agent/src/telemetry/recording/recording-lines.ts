import { NOTHING_SEEN, OUTCOME_CODES, type RingCall } from './call-ring.ts';
import { type NameIds, NO_NAME } from './name-ids.ts';

/** The version of the format, which docs/recording.md describes. */
const RECORDING_FORMAT = 'calls/1';

const WORDS = Object.keys(OUTCOME_CODES);

/** What the first line of each block says about the process. */
export interface RecordingHeader {
  /** Version of the agent. */
  readonly agent: string;
  /** The process, such as the name of its pod; absent: not said. */
  readonly instance?: string;
  /** Share of the processes that record, over 0 to 1. */
  readonly share: number;
}

export function headerLine({ agent, instance, share }: RecordingHeader): string {
  return `${JSON.stringify({ fuseboard: RECORDING_FORMAT, agent, ...(instance === undefined ? {} : { instance }), share })}\n`;
}

/** Says that calls are missing before this line. */
export function lostLine(count: number): string {
  return `{"lost":${count}}\n`;
}

/** One call as a line; names and errors are texts here, and what was not seen is left out. */
export function callLine(call: RingCall, names: NameIds): string {
  const { start, durationMs, outcome, inForce, seen, breaker, key } = call;
  let line = `{"t":${thousandths(start)},"d":${thousandths(durationMs)},"o":"${WORDS[outcome]}"`;
  if (seen >= 0) line += `,"s":${seen}`;
  else if (seen !== NOTHING_SEEN) line += `,"e":${names.json(-2 - seen)}`;
  line += `,"b":${names.json(breaker)}`;
  if (key !== NO_NAME) line += `,"k":${names.json(key)}`;
  return `${line},"f":${inForce ? 1 : 0}}\n`;
}

const thousandths = (ms: number): number => Math.round(ms * 1000) / 1000;
