import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { threadId } from 'node:worker_threads';
import { PROTOCOL } from '@fuseboard/schema/defaults';
import type { Registry } from '../breakers/registry.ts';
import { AGENT_VERSION } from '../version.ts';
import { Ledger, type LedgerHolder } from './ledger.ts';
import type { PolicyStore } from './policy-store.ts';
import { Reporter, type ReporterOptions } from './reporter.ts';
import type { Settings } from './settings/settings.ts';
import { type Endpoint, Stream, type StreamOptions } from './stream.ts';

export { UnprotectedWarnings } from '../breakers/unprotected.ts';

/** What reporter and stream need of the link. */
interface Connecting
  extends Pick<StreamOptions, 'timers' | 'random' | 'warn' | 'resumeFrom' | 'received' | 'closed'>,
    Pick<ReporterOptions, 'applied'> {
  /** With the address of an operator. */
  readonly settings: Settings;
  readonly registry: Registry;
  readonly holder: LedgerHolder;
  asOf(): PolicyStore['asOf'];
}

/**
 * The parts of a link that use the network, in a file of their own that is loaded only when there is an operator. The
 * stream is not started yet.
 */
export function connect(link: Connecting): { readonly reporter: Reporter; readonly stream: Stream } {
  const { settings, registry, holder, timers, random, warn } = link;
  holder.ledger ??= new Ledger(randomBytes(16).toString('hex'));
  const { ledger } = holder;
  const endpoint: Endpoint = {
    url: settings.url!,
    ...(settings.tokenFile ? { tokenFile: settings.tokenFile } : {}),
    ...(settings.caFile ? { caFile: settings.caFile } : {}),
  };
  const shared = { endpoint, timers, random, warn };
  const instance = `${hostname()}/${process.pid}/${threadId}`.slice(0, 512);
  const reporter = new Reporter({
    ...shared,
    identity: { service: settings.service, instance },
    ledger,
    ...(settings.namespace ? { namespace: settings.namespace } : {}),
    breakers: () => registry.reported((name, key) => ledger.isPending(name, key)),
    applied: link.applied,
    misdirected: () => stream.reconnect('reports do not reach the replica that holds the stream'),
  });
  const stream = new Stream({
    ...shared,
    query: () => queryOf(link, instance, ledger.boot),
    resumeFrom: link.resumeFrom,
    received: link.received,
    closed: () => {
      link.closed();
      reporter.detach();
    },
  });
  return { reporter, stream };
}

function queryOf({ settings, asOf }: Connecting, instance: string, boot: string): URLSearchParams {
  const { policies, overrides } = asOf();
  const list = (pairs: [string, string | undefined][]) =>
    pairs.flatMap(([key, value]) => (value === undefined ? [] : [`${key}=${value}`])).join(',');
  return new URLSearchParams({
    protocol: String(PROTOCOL),
    service: settings.service,
    instance,
    boot,
    labels: list(Object.entries(settings.labels)),
    since: list([
      ['policies', policies],
      ['overrides', overrides],
    ]),
    ...(settings.namespace ? { namespace: settings.namespace } : {}),
    language: 'node',
    version: AGENT_VERSION,
    runtime: process.versions.node,
  });
}
