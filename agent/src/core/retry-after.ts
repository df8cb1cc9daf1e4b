interface HeaderSource {
  headers?: unknown;
  response?: { headers?: unknown } | null;
}

/** The date formats of HTTP today and of RFC 850; other text is no date. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, [\w :-]{10,40} GMT$/;
/** The form of asctime, which names no zone: it is GMT (RFC 9110, section 5.6.7). */
const ASCTIME = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}$/;
const SECONDS = /^\d{1,9}$/;
const MILLISECONDS = /^\d{1,12}(\.\d{1,9})?$/;

/**
 * The time of the Retry-After header (RFC 9110, section 10.2.3) in the `headers` of an error, of its `response`, or of
 * a result: seconds or a date. The header `retry-after-ms`, in milliseconds, has precedence.
 *
 * @param wallNow reads the wall clock; called only when there is a date.
 * @returns milliseconds; 0 when there is no such header, it is not valid, or the date has passed.
 */
export function retryAfterMs(outcome: unknown, wallNow: () => number): number {
  if (typeof outcome !== 'object' || outcome === null) return 0;
  try {
    const { headers, response } = outcome as HeaderSource;
    const read = (name: string) => String(header(headers, name) ?? header(response?.headers, name) ?? '').trim();
    const ms = read('retry-after-ms');
    if (MILLISECONDS.test(ms)) return Math.ceil(Number(ms));
    const text = read('retry-after');
    if (SECONDS.test(text)) return Number(text) * 1_000;
    const date = text === '' ? Number.NaN : dateOf(text);
    return Number.isNaN(date) ? 0 : Math.max(0, date - wallNow());
  } catch {
    return 0;
  }
}

function dateOf(text: string): number {
  if (DATE.test(text)) return new Date(text).getTime();
  return ASCTIME.test(text) ? new Date(`${text} GMT`).getTime() : Number.NaN;
}

function header(headers: unknown, name: string): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (typeof (headers as Headers).get === 'function') return (headers as Headers).get(name);
  const fields = headers as Record<string, unknown>;
  if (fields[name] !== undefined) return fields[name];
  const spelt = Object.keys(fields).find((field) => field.toLowerCase() === name);
  return spelt === undefined ? undefined : fields[spelt];
}
