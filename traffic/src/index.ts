export type { Call, Outcome } from './call.ts';
export { OUTCOMES } from './call.ts';
export { UNNAMED } from './census.ts';
export { FORMAT_NAMES, type FormatName } from './formats/format-name.ts';
export { formatTitles } from './formats/formats.ts';
export { ATTRIBUTES, type Attribute } from './observation.ts';
export {
  DURATION_UNITS,
  type DurationUnit,
  type Exclusion,
  FIELD_NAMES,
  type FieldName,
  MAX_LATE_MS,
  parseExclusion,
  parseFields,
  parseSelector,
  type ReadOptions,
  type Sampling,
  type Selector,
} from './options.ts';
export { type RecordedCalls, readCalls } from './read.ts';
export { ReadError } from './read-error.ts';
export type { FileSummary, ReadSummary, StatusRow } from './summary.ts';
export { keepYoungGenerationSmall } from './young-generation.ts';
