import type { Sample } from '../input/sample.ts';
import type { ReadOptions } from '../options.ts';
import { ReadError } from '../read-error.ts';
import { alb } from './alb.ts';
import { apache, combined } from './apache.ts';
import { envoy, envoyJson } from './envoy.ts';
import { csv, ndjson, series } from './fields.ts';
import type { Format } from './format.ts';
import { FORMAT_NAMES } from './format-name.ts';
import { har } from './har.ts';
import { jaeger } from './jaeger.ts';
import { jmeterCsv, jmeterXml } from './jmeter.ts';
import { k6Csv, k6Json } from './k6.ts';
import { nginx, nginxJson } from './nginx.ts';
import { otlp } from './otlp.ts';
import { prometheus } from './prometheus.ts';
import { recording } from './recording.ts';

/** From the most specific to the most general format. The first match wins; fields given by the user come first. */
const FORMATS: readonly Format[] = [
  recording,
  csv,
  ndjson,
  nginx,
  nginxJson,
  apache,
  combined,
  envoy,
  envoyJson,
  alb,
  otlp,
  jaeger,
  har,
  jmeterCsv,
  jmeterXml,
  k6Json,
  k6Csv,
  prometheus,
  series,
];

/** The format of a file, by its name or from the beginning of the file. @throws ReadError when no format matches. */
export function formatOf(path: string, sample: Sample, options: ReadOptions): Format {
  const { format, fields } = options;
  if (format !== undefined) {
    const named = FORMATS.find(({ name }) => name === format);
    if (named === undefined) throw new ReadError(`"${format}" is no format; use one of ${FORMAT_NAMES.join(', ')}`);
    return named;
  }
  if (sample.text.trim() === '') throw new ReadError(`${path} holds only blanks: no calls`);
  const found = FORMATS.find((one) => one.matches(sample, options));
  if (found !== undefined) return found;
  throw new ReadError(
    fields === undefined
      ? `${path} is of no format that is known; name the format, or for CSV and JSON lines the fields, such as time=ts,duration=ms,status=code`
      : `${path} does not have the fields ${Object.values(fields).join(', ')}; name columns of its first line, or fields of its JSON lines`,
  );
}

/** The formats with their names for users. */
export function formatTitles(): ReadonlyMap<string, string> {
  return new Map(FORMATS.map(({ name, title }) => [name, title]));
}
