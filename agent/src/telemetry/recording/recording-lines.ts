import { NOTHING_SEEN, OUTCOME_CODES, type RingCall } from './call-ring.ts';
import { type NameIds, NO_NAME } from './name-ids.ts';

/** The version of the format, which docs/recording.md describes. */
const RECORDING_FORMAT = 'calls/1';

const WORDS = Object.keys(OUTCOME_CODES);

/** The header of each block, with information about the process. */
export interface RecordingHeader {
  /** Version of the agent. */
  readonly agent: string;
  /** The process, such as its pod name; absent when not given. */
  readonly instance?: string;
  /** Share of the recording processes, above 0 and up to 1. */
  readonly share: number;
}

export function headerLine({ agent, instance, share }: RecordingHeader): string {
  return `${JSON.stringify({ fuseboard: RECORDING_FORMAT, agent, ...(instance === undefined ? {} : { instance }), share })}\n`;
}

/** The line for calls that are missing before it. */
export function lostLine(count: number): string {
  return `{"lost":${count}}\n`;
}

/** Formats a call as a line, with names and errors as text. Absent values are left out. */
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
