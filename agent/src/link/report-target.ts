import { hostname } from './connection.ts';

/**
 * Where reports go: the replica's own address where that is safe, else the address that was dialled. A token may travel only
 * over TLS that proves the dialled name, or in plain text to the very host that was dialled in plain text. The namespace is
 * believed only where the operator does not authenticate agents.
 */
export function reportTarget(dialled: URL, reportUrl: string | undefined, namespace?: string): URL {
  const target = place(dialled, reportUrl);
  if (namespace !== undefined) target.searchParams.set('namespace', namespace);
  return target;
}

function place(dialled: URL, reportUrl: string | undefined): URL {
  const own = new URL('v1/report', dialled);
  if (reportUrl === undefined || !URL.canParse(reportUrl)) return own;
  const wanted = new URL(reportUrl);
  if (wanted.username !== '' || wanted.password !== '') return own;
  const plainToSameHost =
    wanted.protocol === 'http:' && dialled.protocol === 'http:' && hostname(wanted) === hostname(dialled);
  return wanted.protocol === 'https:' || plainToSameHost ? wanted : own;
}
