interface HeaderSource {
  headers?: unknown;
  response?: { headers?: unknown } | null;
}

/** A date as HTTP writes it, so that nothing else is taken for one. */
const DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*, [\w :-]{10,40} GMT$/;
const SECONDS = /^\d{1,9}$/;

/**
 * How long an answer asks its caller to stay away, by the Retry-After header (RFC 9110, section 10.2.3) in the
 * `headers` of an error, of its `response`, or of a result: seconds or a date.
 *
 * @param wallNow reads the wall clock; called only when there is a date.
 * @returns milliseconds; 0 when nothing is asked, what is asked cannot be read, or the date has passed.
 */
export function retryAfterMs(outcome: unknown, wallNow: () => number): number {
  if (typeof outcome !== 'object' || outcome === null) return 0;
  try {
    const { headers, response } = outcome as HeaderSource;
    const text = String(header(headers) ?? header(response?.headers) ?? '').trim();
    if (SECONDS.test(text)) return Number(text) * 1_000;
    const date = DATE.test(text) ? new Date(text).getTime() : Number.NaN;
    return Number.isNaN(date) ? 0 : Math.max(0, date - wallNow());
  } catch {
    return 0;
  }
}

function header(headers: unknown): unknown {
  if (typeof headers !== 'object' || headers === null) return undefined;
  if (typeof (headers as Headers).get === 'function') return (headers as Headers).get('retry-after');
  const fields = headers as Record<string, unknown>;
  return fields['retry-after'] ?? fields['Retry-After'];
}
