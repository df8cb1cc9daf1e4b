/** The failures that clients meet, and what a breaker counts each of them as. */
import type { BreakerStats } from '../../src/breakers/breaker.ts';
import { createBreaker } from '../../src/testing/testing.ts';
import type { Client, Target } from './client.ts';
import type { Ports } from './failing-servers.ts';

const LIMIT_MS = 400;

interface Failure {
  readonly name: string;
  readonly speaks: readonly Client['speaks'][];
  readonly lacks?: 'tls' | 'signal' | 'limit';
  readonly target: (servers: Ports, client: Client) => Partial<Target> & { readonly port: number };
  /** The policy has a time limit. */
  readonly limited?: boolean;
}

const ALL = ['http', 'grpc', 'database'] as const;
const answering = (servers: Ports, { speaks }: Client) => (speaks === 'grpc' ? servers.grpc : servers.http);

export const FAILURES: readonly Failure[] = [
  { name: 'refused', speaks: ALL, target: ({ refused }) => ({ port: refused }) },
  { name: 'unknown host', speaks: ALL, target: ({ refused }) => ({ port: refused, host: 'nothing.invalid' }) },
  { name: 'reset', speaks: ALL, target: ({ reset }) => ({ port: reset }) },
  {
    name: 'certificate',
    speaks: ALL,
    lacks: 'tls',
    target: ({ tls }) => ({ port: tls, scheme: 'tls', host: 'localhost' }),
  },
  { name: '500', speaks: ['http', 'grpc'], target: (all, client) => ({ port: answering(all, client), path: '/500' }) },
  {
    name: '503 with Retry-After',
    speaks: ['http', 'grpc'],
    target: (all, client) => ({ port: answering(all, client), path: '/503' }),
  },
  { name: 'body cut', speaks: ['http'], target: ({ http }) => ({ port: http, path: '/cut' }) },
  { name: "hang, the policy's time limit", speaks: ALL, limited: true, target: ({ hang }) => ({ port: hang }) },
  {
    name: "hang, the client's time limit",
    speaks: ALL,
    lacks: 'limit',
    target: ({ hang }) => ({ port: hang, limitMs: LIMIT_MS }),
  },
  {
    name: 'hang, AbortSignal.timeout',
    speaks: ALL,
    lacks: 'signal',
    target: ({ hang }) => ({ port: hang, signal: AbortSignal.timeout(LIMIT_MS) }),
  },
];

/** What the client does not have. */
export const NOT_THERE = '—';
const HEADERS_ONLY = 'success ¹';
/** What ends with the headers of a response sees no more of it. */
const ENDS_WITH_HEADERS = ['`breakerFetch`', '`breakerInterceptor`'];
/** Depends on the network that the test runs in, not on the client. */
const SAME = new Map([['EAI_AGAIN', 'ENOTFOUND']]);

async function cell(client: Client, failure: Failure, servers: Ports): Promise<string> {
  if (!failure.speaks.includes(client.speaks)) return NOT_THERE;
  if (failure.lacks !== undefined && client.lacks?.includes(failure.lacks)) return NOT_THERE;
  const breaker = createBreaker({
    trip: { consecutiveFailures: 1 },
    ...(failure.limited && { timeout: { duration: `${LIMIT_MS}ms` } }),
  });
  const target = { scheme: 'plain', host: '127.0.0.1', path: '/', ...failure.target(servers, client) } as const;
  let code: string | undefined;
  let threw = true;
  try {
    await client.call(breaker, target);
    threw = false;
  } catch (error) {
    code = codeOf(error);
  }
  const outcome = outcomeOf(breaker.stats());
  if (outcome === 'success' && failure.name === 'body cut' && ENDS_WITH_HEADERS.includes(client.by))
    return HEADERS_ONLY;
  if (!outcome.startsWith('failure')) throw new Error(`${client.name}, ${failure.name}: counts as ${outcome}`);
  if (breaker.state !== 'open') throw new Error(`${client.name}, ${failure.name}: the circuit stays ${breaker.state}`);
  const shown = code ?? (threw ? undefined : 'the answer');
  return shown === undefined ? outcome : `${outcome}: ${shown}`;
}

function outcomeOf({ totals: { succeeded, failed, ignored, timedOut } }: BreakerStats): string {
  if (succeeded + failed + ignored !== 1) return `${succeeded + failed + ignored} calls`;
  if (failed === 1) return timedOut === 1 ? 'failure, timed out' : 'failure';
  return succeeded === 1 ? 'success' : 'ignored';
}

/** The outermost code or status that the error or one of its causes has, which `errorCodes` and `httpStatus` match. */
function codeOf(error: unknown): string | undefined {
  for (let each = error as Record<string, unknown> | undefined, left = 5; each != null && left > 0; left--) {
    const metadata = each.$metadata as { httpStatusCode?: number } | undefined;
    const response = each.response as { status?: number; statusCode?: number } | undefined;
    const status = metadata?.httpStatusCode ?? response?.statusCode ?? response?.status;
    if (each instanceof DOMException) return each.name;
    if (typeof each.code === 'string' || typeof each.code === 'number') {
      return SAME.get(String(each.code)) ?? `${each.code}${status === undefined ? '' : ` ${status}`}`;
    }
    if (status !== undefined) return String(status);
    each = (each.cause ?? (each.errors as unknown[] | undefined)?.[0]) as Record<string, unknown> | undefined;
  }
  return undefined;
}

/** The row of a client: its name, what is around the call, and what each failure counts as. */
export async function measuredRow(client: Client, servers: Ports): Promise<string> {
  const cells = await Promise.all(FAILURES.map((failure) => cell(client, failure, servers)));
  return `| ${[client.name, client.by, ...cells].join(' | ')} |`;
}
