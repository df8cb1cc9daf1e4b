import type { Outcome } from './call.ts';
import type { FormatName } from './formats/format-name.ts';
import type { Sampling } from './options.ts';

/** The summary of one file. */
export interface FileSummary {
  readonly path: string;
  readonly format: FormatName;
  /** Name of the format for users. */
  readonly title: string;
  readonly lines: number;
  readonly badLines: number;
}

/** A status or kind of error in the recording, and its classification. */
export interface StatusRow {
  /** A status or a kind of error; `none` when the record has neither. */
  readonly seen: string;
  readonly outcome: Outcome;
  readonly calls: number;
}

/** The summary of a recording; complete after the last batch. */
export interface ReadSummary {
  /** The format of the first file. */
  readonly format: FormatName;
  readonly files: readonly FileSummary[];
  /** Number of records: lines, rows, spans' resources, traces, samples. */
  readonly lines: number;
  readonly badLines: number;
  /** Places and causes of the first three invalid records, without a word of them. */
  readonly badSamples: readonly string[];
  /** Number of delivered calls. */
  readonly calls: number;
  /** Number of calls removed by the exclusions. */
  readonly excluded: number;
  /** Number of delivered calls without a known duration. */
  readonly withoutDuration: number;
  /** Start of the first and of the last call; NaN without calls. */
  readonly from: number;
  readonly to: number;
  /** Number of calls of each breaker in the recording, including unrequested breakers. */
  readonly breakers: ReadonlyMap<string, number>;
  /** Number of delivered calls of each instance; empty when the recording names none. */
  readonly instances: ReadonlyMap<string, number>;
  readonly statusTable: readonly StatusRow[];
  /** The sampling; absent when the recording shows no missing calls. */
  readonly sampling?: Sampling;
  /** Limits of this recording, and assumptions about it. */
  readonly notes: readonly string[];
}
