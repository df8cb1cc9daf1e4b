import { hostname } from './connection.ts';

/**
 * The URL for reports: the replica's own URL when that is safe, else the URL of the stream. A token is sent only over
 * TLS with the host name of the stream, or in plain text to the same host as a plain-text stream. The operator uses the
 * namespace only when it does not authenticate agents.
 */
export function reportTarget(operatorUrl: URL, reportUrl: string | undefined, namespace?: string): URL {
  const target = chooseTarget(operatorUrl, reportUrl);
  if (namespace !== undefined) target.searchParams.set('namespace', namespace);
  return target;
}

function chooseTarget(operatorUrl: URL, reportUrl: string | undefined): URL {
  const own = new URL('v1/report', operatorUrl);
  if (reportUrl === undefined || !URL.canParse(reportUrl)) return own;
  const requested = new URL(reportUrl);
  if (requested.username !== '' || requested.password !== '') return own;
  const plainToSameHost =
    requested.protocol === 'http:' && operatorUrl.protocol === 'http:' && hostname(requested) === hostname(operatorUrl);
  return requested.protocol === 'https:' || plainToSameHost ? requested : own;
}
