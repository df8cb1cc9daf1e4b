import { hostname } from './connection.ts';

/**
 * Where reports go: the replica's own address where that is safe, else the address of the stream. A token may travel
 * only over TLS that proves the host name of the stream, or in plain text to the very host of a stream in plain text.
 * The namespace is believed only where the operator does not authenticate agents.
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
