import type { Outcome } from '../call.ts';
import type { Observation } from '../observation.ts';
import { ReadError } from '../read-error.ts';
import type { RecordCounts } from '../record-counts.ts';
import { numberOf, statusOf, textOf } from './json-value.ts';

/** One span of a trace, independent of its export format. */
export interface Span {
  readonly start: number;
  readonly durationMs: number;
  readonly kind: 'client' | 'server' | 'other';
  readonly name: string | undefined;
  readonly failed: boolean;
  readonly service: string | undefined;
  readonly instance: string | undefined;
  /** The service that answered, if the trace contains it. */
  readonly callee?: string | undefined;
  readonly attributes: ReadonlyMap<string, unknown>;
}

/** gRPC statuses of failures of the server or the network. All others but `cancelled` are answers. */
const GRPC_FAILURES: Readonly<Record<number, string>> = {
  2: 'grpc_unknown',
  4: 'grpc_deadline_exceeded',
  8: 'grpc_resource_exhausted',
  13: 'grpc_internal',
  14: 'grpc_unavailable',
  15: 'grpc_data_loss',
};

/** Reads the spans of one side as calls, because the spans of the client and the server describe the same calls. */
export class SpanReader {
  readonly #counts: RecordCounts;
  readonly #side: 'client' | 'server';
  #taken = 0;
  #other = 0;

  constructor(counts: RecordCounts, side: 'client' | 'server') {
    this.#counts = counts;
    this.#side = side;
    counts.note(
      side === 'client'
        ? 'Only client spans are calls here; server spans are the same calls seen from the server and are left out.'
        : 'Server spans were read: calls that never arrived and time-outs of callers are not in them.',
    );
  }

  take(span: Span): Observation | undefined {
    if (span.kind !== this.#side) {
      if (span.kind !== 'other') this.#other++;
      return undefined;
    }
    this.#taken++;
    this.#noteSampling(span.attributes);
    const text = (...names: string[]) => first(span.attributes, names);
    const host = text('server.address', 'net.peer.name', 'http.host', 'peer.hostname', 'net.peer.ip');
    const called = span.callee ?? text('peer.service', 'rpc.service') ?? host ?? hostOf(text('url.full', 'http.url'));
    return {
      start: span.start,
      durationMs: span.durationMs,
      ...ending(span),
      breaker: this.#side === 'client' ? called : span.service,
      from: this.#side === 'client' ? span.service : text('peer.service'),
      instance: span.instance,
      key: span.name === undefined ? undefined : keyOf(span.name),
      method: text('http.request.method', 'http.method'),
      host,
      path: text('http.route', 'url.path', 'http.target', 'url.full', 'http.url'),
      agent: text('user_agent.original', 'http.user_agent'),
    };
  }

  /** @throws ReadError when the recording has no span of the requested side. */
  end(): void {
    if (this.#taken > 0 || this.#other === 0) return;
    const found = this.#side === 'client' ? 'server' : 'client';
    throw new ReadError(
      `${this.#counts.path} holds no ${this.#side} span, but ${this.#other} ${found} spans; read them as spans "${found}", or record ${this.#side} spans`,
    );
  }

  #noteSampling(attributes: ReadonlyMap<string, unknown>): void {
    if (this.#counts.sampling?.kind === 'tail') return;
    const rule = first(attributes, [
      'sampling.rule',
      'tailsampling.policy',
      'tailsampling.composite_policy',
      'sampling.policy',
    ]);
    const param = numberOf(attributes.get('sampler.param') ?? attributes.get('sampling.probability'));
    const rate = numberOf(attributes.get('SampleRate') ?? attributes.get('sampling.rate'));
    if (rule !== undefined) this.#counts.sampling = { kind: 'tail' };
    else if (attributes.get('sampler.type') === 'probabilistic' && param < 1)
      this.#counts.sampling ??= { kind: 'head', rate: param };
    else if (param > 0 && param < 1) this.#counts.sampling ??= { kind: 'head', rate: param };
    else if (rate > 1) this.#counts.sampling ??= { kind: 'unknown', rate: 1 / rate };
    else if (attributes.get('sampler.type') === 'ratelimiting') this.#counts.sampling ??= { kind: 'unknown' };
  }
}

/** The sampling threshold of OpenTelemetry in the trace state: `ot=th:8` keeps half of the traces. */
export function sampledShare(traceState: unknown): number | undefined {
  const hex = /(?:^|,)\s*ot=(?:[^,]*;)?th:([0-9a-f]{1,14})(?:;|,|$)/.exec(textOf(traceState) ?? '')?.[1];
  return hex === undefined ? undefined : 1 - Number.parseInt(hex.padEnd(14, '0'), 16) / 2 ** 56;
}

/** The HTTP status is preferred to the span status, which client libraries set to error even for 404. */
function ending({ attributes, failed }: Span): { status?: number; error?: string; outcome?: Outcome } {
  const status = statusOf(first(attributes, ['http.response.status_code', 'http.status_code']));
  if (status !== undefined && status > 0) return { status };
  const grpc = numberOf(first(attributes, ['rpc.grpc.status_code', 'rpc.response.status_code']));
  const error = first(attributes, ['error.type', 'exception.type', 'error.kind']);
  if (!Number.isNaN(grpc)) {
    if (grpc === 1) return { error: 'grpc_cancelled', outcome: 'ignored' };
    const name = GRPC_FAILURES[grpc];
    return name === undefined ? { outcome: 'success' } : { error: name, outcome: 'failure' };
  }
  if (failed) return { error: kindOf(error), outcome: 'failure' };
  return { outcome: 'success' };
}

/** The kind of an error without its message, which may contain anything. */
function kindOf(error: string | undefined): string {
  return error !== undefined && /^[\w.$:-]{1,80}$/.test(error) ? error : 'error';
}

/** The name of a span may be a whole URL. */
function keyOf(name: string): string | undefined {
  return /^([A-Z]+ )?(\w+:\/)?\//.test(name) ? undefined : name;
}

function first(attributes: ReadonlyMap<string, unknown>, names: readonly string[]): string | undefined {
  for (const name of names) {
    const value = textOf(attributes.get(name));
    if (value !== undefined) return value;
  }
  return undefined;
}

export function hostOf(url: string | undefined): string | undefined {
  return /^[a-z][a-z0-9+.-]*:\/\/(?:[^@/?#]*@)?(\[[^\]]+\]|[^:/?#]+)/i.exec(url ?? '')?.[1];
}
