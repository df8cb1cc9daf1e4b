import { hostname } from './connection.ts';

/**
 * Where reports go: the replica's own address where that is safe, else the address that was dialled. A token may travel only
 * over TLS that proves the dialled name, or in plain text to the very host that was dialled in plain text.
 *
 * @param namespace said as on the stream, for an operator that does not authenticate agents.
 */
export function reportTarget(dialled: URL, reportUrl: string | undefined, namespace?: string): URL {
  const own = new URL('v1/report', dialled);
  if (namespace !== undefined) own.searchParams.set('namespace', namespace);
  if (reportUrl === undefined || !URL.canParse(reportUrl)) return own;
  const wanted = new URL(reportUrl);
  if (namespace !== undefined) wanted.searchParams.set('namespace', namespace);
  if (wanted.username !== '' || wanted.password !== '') return own;
  const plainToSameHost =
    wanted.protocol === 'http:' && dialled.protocol === 'http:' && hostname(wanted) === hostname(dialled);
  return wanted.protocol === 'https:' || plainToSameHost ? wanted : own;
}
