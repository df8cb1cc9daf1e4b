import type { FormatName } from './formats/format-name.ts';
import { ATTRIBUTES, type Attribute } from './observation.ts';
import { ReadError } from './read-error.ts';

/** An attribute of a call, or its part that the first group of a pattern matches. */
export interface Selector {
  readonly attribute: Attribute;
  readonly pattern?: RegExp;
}

/** Excludes calls whose attribute matches. */
export interface Exclusion {
  readonly attribute: Attribute;
  readonly matches: (value: string) => boolean;
}

/** The names of the fields of a record for `fields`. */
export const FIELD_NAMES = [
  'time',
  'end',
  'duration',
  'status',
  'error',
  'outcome',
  'breaker',
  'instance',
  'key',
  'from',
  'method',
  'host',
  'path',
] as const;
export type FieldName = (typeof FIELD_NAMES)[number];

export const DURATION_UNITS = { s: 1000, ms: 1, us: 0.001, ns: 0.000_001 } as const;
export type DurationUnit = keyof typeof DURATION_UNITS;

/** How to read recorded calls. Every field may be absent. */
export interface ReadOptions {
  /** File format. Absent: detected from the first 50 lines of each file. */
  readonly format?: FormatName;
  /** Reads only the calls of this breaker. In a recording without breaker names, all calls get this name. */
  readonly breaker?: string;
  /** Selects the breaker of a call. Absent: the default of the format. */
  readonly breakerFrom?: Selector;
  /** Selects the key of a call. Absent: the path, operation or label. */
  readonly keyFrom?: Selector;
  /** For CSV and NDJSON: the column or field for each name; dots access nested objects. */
  readonly fields?: Readonly<Partial<Record<FieldName, string>>>;
  /** The unit of durations when the format does not define it. Absent: derived from the values, or an error. */
  readonly durationUnit?: DurationUnit;
  readonly exclude?: readonly Exclusion[];
  /** Statuses that are failures: `503`, `5xx`, `500-504`. Absent: `5xx` and `0`. */
  readonly failureStatuses?: readonly string[];
  /** Statuses that say nothing about the dependency. Absent: `499` and `460`, where the client gave up. */
  readonly ignoredStatuses?: readonly string[];
  /** Kinds of error that count as successes, because they are answers, such as a failed precondition. */
  readonly successErrors?: readonly string[];
  /**
   * Time zone of times without one: an offset such as `+02:00`, `UTC`, or a name such as `Europe/Berlin`. Absent: UTC.
   */
  readonly timezone?: string;
  /** The side whose spans count as calls. Absent: `client`. */
  readonly spans?: 'client' | 'server';
  /** The sampling of the recording, which replaces the detected one. */
  readonly sampling?: Sampling;
  /** Maximum delay of a record behind a later one, in milliseconds. Absent: 10 minutes. */
  readonly maxLateMs?: number;
  /** Called about once a megabyte, with numbers of stored bytes. */
  readonly onProgress?: (bytes: number, totalBytes: number) => void;
}

/** The sampling of a recording: `head` keeps a random share; `tail` keeps failures and slow calls more often. */
export interface Sampling {
  readonly kind: 'head' | 'tail' | 'unknown';
  /** Share of recorded calls, 0 to 1; absent when unknown. */
  readonly rate?: number;
}

export const MAX_LATE_MS = 600_000;

/** Parses `path`, `host`, or `path=/^\/api\/([^/]+)/`. @throws ReadError on another text. */
export function parseSelector(text: string): Selector {
  const [, name, source] = /^(\w+)(?:=\/(.*)\/)?$/.exec(text) ?? [];
  const attribute = attributeOf(name ?? text, text);
  if (source === undefined) return { attribute };
  const pattern = patternOf(source, text);
  return { attribute, pattern };
}

/** Parses `path=/healthz`, with `*` for any characters, or `agent=/bot/i`. @throws ReadError on another text. */
export function parseExclusion(text: string): Exclusion {
  const at = text.indexOf('=');
  if (at < 1) throw new ReadError(`"${text}" excludes nothing; write an attribute and a value, such as path=/healthz`);
  const attribute = attributeOf(text.slice(0, at), text);
  const value = text.slice(at + 1);
  const source = /^\/(.*)\/i$/.exec(value)?.[1];
  const pattern =
    source === undefined
      ? new RegExp(`^${value.split('*').map(escaped).join('.*')}$`)
      : new RegExp(patternOf(source, text), 'i');
  return { attribute, matches: (given) => pattern.test(given) };
}

/** Parses `status=code,time=ts` into fields. @throws ReadError on an unknown name. */
export function parseFields(text: string): Partial<Record<FieldName, string>> {
  const fields: Partial<Record<FieldName, string>> = {};
  for (const pair of text.split(',')) {
    const [name, source] = pair.split('=').map((part) => part.trim());
    const known = FIELD_NAMES.find((one) => one === name);
    if (known === undefined || !source) {
      throw new ReadError(`"${pair}" names no field; write NAME=COLUMN with a NAME of ${FIELD_NAMES.join(', ')}`);
    }
    fields[known] = source;
  }
  return fields;
}

function attributeOf(name: string, text: string): Attribute {
  const known = ATTRIBUTES.find((one) => one === name);
  if (known === undefined) throw new ReadError(`"${text}" names no attribute; use one of ${ATTRIBUTES.join(', ')}`);
  return known;
}

function patternOf(source: string, text: string): RegExp {
  try {
    return new RegExp(source);
  } catch (error) {
    throw new ReadError(`"${text}" holds no regular expression: ${(error as Error).message}`);
  }
}

const escaped = (text: string) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
