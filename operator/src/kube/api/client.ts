import { channel } from 'node:diagnostics_channel';
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { applyCredentials } from './credentials.ts';

/** An error response of the API server or of a proxy. */
export class KubeError extends Error {
  /** The HTTP status; absent when there was no response. */
  readonly status: number | undefined;
  /** The Retry-After of the response, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status?: number, retryAfterMs?: number) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /**
   * Whether the account lacks a permission. A quota, an admission plugin and a namespace that is being deleted refuse
   * with 403 as well.
   */
  get lacksPermission(): boolean {
    if (this.status !== 403) return false;
    return /\bcannot \w+ resource\b/.test(this.message) || !OTHER_REASONS.test(this.message);
  }
}

const OTHER_REASONS = /exceeded quota|denied the request|denied request|because it is being terminated/;

export interface KubeRequest {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** Content type of the body; absent: `application/json`. */
  readonly contentType?: string;
  /** Accepted content type; absent: `application/json`. */
  readonly accept?: string;
  readonly signal?: AbortSignal;
  /** Timeout for the complete response; absent: 30 s. */
  readonly timeoutMs?: number;
  /**
   * Whether the connection is kept for the next request of this kind; useful for frequent requests. Absent: each
   * request opens a connection.
   */
  readonly keepAlive?: boolean;
  /**
   * Whether the request can be processed twice without harm. It is then sent once more, on a new connection, when the
   * server closes a kept connection without a response. Absent: true, except for POST.
   */
  readonly repeatable?: boolean;
}

export interface KubeWatch {
  readonly query: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  /** The watch fails when it receives no data for this long. */
  readonly silenceMs: number;
  /** Called when the server accepted the watch. */
  opened(): void;
  /** Called with each line of the stream, parsed as JSON. An error that it throws ends the watch and rejects it. */
  event(line: unknown): void;
}

/** The diagnostics channel that publishes a `KubeAnswer` for each request to the API server, including watches. */
export const REQUEST_CHANNEL = 'fuseboard:kube-request';

export interface KubeAnswer {
  readonly method: string;
  /** Host name and port of the API server. */
  readonly host: string;
  /** The HTTP status; absent when there was no response. */
  readonly code: number | undefined;
}

const answers = channel(REQUEST_CHANNEL);

/** Limit of the response size. No page of 500 policies of 64 KiB exceeds it. */
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_ERROR_BYTES = 64 * 1024;

/** Idle connections are closed after this time, long before the API server would close them. */
const IDLE_MS = 10_000;

/**
 * Sends requests to the API server with the credentials, CA certificates and proxy of a kubeconfig.
 *
 * The generated API classes of client-node have no timeouts. Its `Watch` skips lines that are not JSON, so an event
 * could be lost unnoticed, and does not expose Retry-After. Therefore this class uses HTTP directly.
 */
export class KubeClient {
  readonly #config: KubeConfig;
  #pooledAgents: { readonly like: http.Agent; readonly agent: http.Agent } | undefined;

  constructor(config: KubeConfig) {
    this.#config = config;
  }

  /** The URL of the API server. */
  get server(): string {
    return this.#config.getCurrentCluster()?.server ?? 'no cluster in the kubeconfig';
  }

  /**
   * Sends one request and parses the complete response as JSON.
   *
   * @throws KubeError for a status other than 2xx, a response that is not JSON, and a timeout.
   */
  async request<T>(path: string, options: KubeRequest = {}): Promise<T> {
    const timeoutMs = options.timeoutMs ?? 30_000;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(new KubeError(`no answer within ${timeoutMs / 1000} s`)), timeoutMs);
    try {
      const signal = options.signal ? AbortSignal.any([options.signal, limit.signal]) : limit.signal;
      const response = await this.#send(path, options, signal);
      return parse(await text(response, MAX_ANSWER_BYTES)) as T;
    } catch (error) {
      throw limit.signal.aborted ? limit.signal.reason : asKubeError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Reads a stream of lines; resolves when the server closes the stream normally.
   *
   * @throws KubeError for a status other than 200, a line that is not JSON, and a broken or silent connection; also
   * rethrows errors of `event`.
   */
  async watch(path: string, watch: KubeWatch): Promise<void> {
    const silence = new AbortController();
    const expire = () => silence.abort(new KubeError(`nothing came for ${watch.silenceMs / 1000} s`));
    let timer = setTimeout(expire, watch.silenceMs);
    try {
      const signal = AbortSignal.any([watch.signal, silence.signal]);
      const response = await this.#send(path, { query: { ...watch.query, watch: 'true' } }, signal);
      watch.opened();
      response.setEncoding('utf8');
      let rest = '';
      for await (const chunk of response) {
        clearTimeout(timer);
        timer = setTimeout(expire, watch.silenceMs);
        const lines = (rest + chunk).split('\n');
        rest = lines.pop()!;
        if (rest.length > MAX_ANSWER_BYTES) throw new KubeError('a line of the watch is too long');
        for (const line of lines) if (line.trim() !== '') watch.event(parse(line));
      }
      // A rest without a line break is an incomplete event. The next watch delivers it again, from its resourceVersion.
    } catch (error) {
      if (silence.signal.aborted) throw silence.signal.reason;
      throw asKubeError(error);
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(path: string, options: KubeRequest, signal: AbortSignal): Promise<http.IncomingMessage> {
    const url = new URL(this.server.replace(/\/$/, '') + path);
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, value);
    }
    const body = options.body === undefined ? undefined : JSON.stringify(options.body);
    const request: https.RequestOptions = { method: options.method ?? 'GET', signal };
    // A credential plugin is a separate process that the signal cannot end, so only the wait for it ends.
    await unlessAborted(applyCredentials(this.#config, request), signal);
    if (url.protocol === 'https:' && this.#config.getCurrentCluster()?.proxyUrl?.startsWith('socks')) {
      // Behind a SOCKS proxy, TLS starts on an existing socket, and Node.js then does not check an IP address as the
      // server name.
      const name = url.hostname.replace(/^\[|\]$/g, '');
      if (isIP(name) !== 0) request.checkServerIdentity = (_, certificate) => checkServerIdentity(name, certificate);
    }
    request.headers = {
      ...(request.headers as http.OutgoingHttpHeaders),
      accept: options.accept ?? 'application/json',
      'user-agent': 'fuseboard-operator',
      ...(body === undefined
        ? {}
        : { 'content-type': options.contentType ?? 'application/json', 'content-length': Buffer.byteLength(body) }),
    };
    const { request: open } = url.protocol === 'http:' ? http : https;
    const facts = { method: request.method!, host: url.host };
    const { repeatable = request.method !== 'POST' } = options;
    const attempt = (agent: http.RequestOptions['agent'], isFirst: boolean): Promise<http.IncomingMessage> =>
      new Promise((resolve, reject) => {
        const sent = open(url, { ...request, agent }, resolve);
        sent.once('error', (error: NodeJS.ErrnoException) => {
          // The server closed the kept connection, perhaps after it has processed the request.
          const isStale = isFirst && sent.reusedSocket && error.code === 'ECONNRESET';
          if (isStale && repeatable) resolve(attempt(request.agent, false));
          else reject(error);
        });
        sent.end(body);
      });
    const agent = options.keepAlive ? this.#pooledAgent(request.agent) : request.agent;
    const response = await attempt(agent, true).catch((error: Error) => {
      if (!options.signal?.aborted) answers.publish({ ...facts, code: undefined } satisfies KubeAnswer);
      throw error;
    });
    const status = response.statusCode!;
    answers.publish({ ...facts, code: status } satisfies KubeAnswer);
    if (status >= 200 && status < 300) return response;
    const answer = await text(response, MAX_ERROR_BYTES).catch(() => '');
    throw new KubeError(reason(answer, response), status, retryAfterMs(response.headers['retry-after']));
  }

  /** An agent with the options of the given one that keeps connections. Proxy agents are returned unchanged. */
  #pooledAgent(like: http.RequestOptions['agent']): http.RequestOptions['agent'] {
    if (!(like instanceof http.Agent) || ![http.Agent, https.Agent].includes(like.constructor as never)) return like;
    if (this.#pooledAgents?.like !== like) {
      this.#pooledAgents?.agent.destroy();
      const { options: connecting } = like as http.Agent & { options: https.AgentOptions };
      const options = { ...connecting, keepAlive: true, timeout: IDLE_MS };
      const agent = like instanceof https.Agent ? new https.Agent(options) : new http.Agent(options);
      this.#pooledAgents = { like, agent };
    }
    return this.#pooledAgents.agent;
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function text(response: http.IncomingMessage, limit: number): Promise<string> {
  response.setEncoding('utf8');
  let all = '';
  for await (const chunk of response) {
    all += chunk;
    if (all.length > limit) throw new KubeError(`the answer is longer than ${limit} bytes`);
  }
  return all;
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw new KubeError(`the answer is not JSON: ${JSON.stringify(json.slice(0, 80))}`);
  }
}

/** The message of a Status response, else the HTTP status as text. */
function reason(answer: string, response: http.IncomingMessage): string {
  try {
    const { message } = JSON.parse(answer) as { message?: unknown };
    if (typeof message === 'string' && message !== '') return message.slice(0, 1000);
  } catch {
    // A proxy may answer without a Status.
  }
  return `${response.statusCode} ${response.statusMessage || http.STATUS_CODES[response.statusCode!] || ''}`.trim();
}

function retryAfterMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) && ms > 0 ? ms : undefined;
}

function asKubeError(error: unknown): unknown {
  if (error instanceof Error && ('code' in error || error.name === 'AbortError') && !(error instanceof KubeError)) {
    const { code, message } = error as NodeJS.ErrnoException;
    return new KubeError(message === 'aborted' ? 'the connection was cut' : message || String(code));
  }
  return error;
}
