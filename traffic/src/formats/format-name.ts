export const FORMAT_NAMES = [
  'recording',
  'nginx',
  'nginx-json',
  'apache',
  'combined',
  'envoy',
  'envoy-json',
  'alb',
  'otlp',
  'jaeger',
  'har',
  'jmeter-csv',
  'jmeter-xml',
  'k6-json',
  'k6-csv',
  'prometheus',
  'series',
  'csv',
  'ndjson',
] as const;
/** The format of a file of calls. */
export type FormatName = (typeof FORMAT_NAMES)[number];
