import type { Outcome } from './call.ts';
import type { FormatName } from './formats/format-name.ts';
import type { Sampling } from './options.ts';

/** One file as it was read. */
export interface FileSummary {
  readonly path: string;
  readonly format: FormatName;
  /** What a person calls the format. */
  readonly title: string;
  readonly lines: number;
  readonly badLines: number;
}

/** What was seen in the recording, and what it was taken for. */
export interface StatusRow {
  /** A status or a kind of error; `none` where the record has neither. */
  readonly seen: string;
  readonly outcome: Outcome;
  readonly calls: number;
}

/** What was read; complete after the last batch. */
export interface ReadSummary {
  /** The format of the first file. */
  readonly format: FormatName;
  readonly files: readonly FileSummary[];
  /** Records that were looked at: lines, rows, spans' resources, traces, samples. */
  readonly lines: number;
  readonly badLines: number;
  /** The first three, without queries and addresses. */
  readonly badSamples: readonly string[];
  /** Calls that were delivered. */
  readonly calls: number;
  /** Calls that the exclusions left out. */
  readonly excluded: number;
  /** Delivered calls whose duration is not known. */
  readonly withoutDuration: number;
  /** Start of the first and of the last call; NaN without calls. */
  readonly from: number;
  readonly to: number;
  /** Calls of each breaker in the recording, also of those that were not asked for. */
  readonly breakers: ReadonlyMap<string, number>;
  /** Delivered calls of each instance; empty when the recording names none. */
  readonly instances: ReadonlyMap<string, number>;
  readonly statusTable: readonly StatusRow[];
  /** Absent when nothing says that calls are missing. */
  readonly sampling?: Sampling;
  /** What this recording cannot say, and what was assumed. */
  readonly notes: readonly string[];
}
