import { readFileSync } from 'node:fs';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { PROTOCOL } from '@fuseboard/schema/defaults';
import { WorkBudget } from '../clock/work-budget.ts';
import { Backoff } from './backoff.ts';
import { open, ProcessIdle } from './connection.ts';
import { type DecodeResult, EventDecoder } from './event-stream.ts';
import { type Message, readMessage } from './messages.ts';
import type { Timers } from './timers.ts';

const FIRST_BYTE_MS = 15_000;
const HEARTBEAT_MS = 15_000;
const SILENT_HEARTBEATS = 3;
const HEALTHY_MS = 60_000;
const GREATEST_RETRY_AFTER_MS = 300_000;
const SPREAD_MS = 1_000;
/** How long nodes may still lead to a replica that has sent its agents away. */
const MOVE_MS = 15_000;
const SLICE_MS = 4;
const MAX_WARNINGS = 20;

export interface Endpoint {
  readonly url: URL;
  /** Read again for each connection, because the platform rotates the token. */
  readonly tokenFile?: string;
  readonly caFile?: string;
}

export interface StreamOptions {
  readonly endpoint: Endpoint;
  readonly timers: Timers;
  readonly random: () => number;
  /** Returns the query for the next connection. */
  query(): URLSearchParams;
  /** Returns the `Last-Event-ID` for the next connection. */
  resumeFrom(): string | undefined;
  /** Called for each message. A returned string is the reason to reopen the stream. */
  received(message: Message): string | undefined;
  /** Called when an open stream has ended. */
  closed(): void;
  /**
   * Called once for each distinct problem, until the stream has been healthy for a minute. While the operator's replica
   * changes at its own request, only what lasts longer than 15 s is a problem.
   */
  warn(message: string): void;
}

const READ = (end: () => void) => end();

/** CPU time of this process, in ms. Wall time would include the work of other processes on a busy machine. */
function busyMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The long-lived request that delivers policies. It is reopened indefinitely. */
export class Stream {
  readonly #options: StreamOptions;
  readonly #backoff: Backoff;
  readonly #warned = new Set<string>();
  /** The budget spans all streams, because a reconnect must not reset it. */
  readonly #budget = new WorkBudget();
  #request: ClientRequest | undefined;
  #cancelWatch = () => {};
  #cancelHealth = () => {};
  #cancelConnect = () => {};
  #opened = false;
  #stopped = false;
  #moveEnds = Number.NEGATIVE_INFINITY;
  /** Calls `end` once all received data has been processed. */
  #whenRead = READ;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#backoff = new Backoff(options.random);
  }

  /** Connects at once. */
  start(): void {
    this.#connect();
  }

  /** Closes the stream and reconnects after the usual delay. */
  reconnect(reason: string): void {
    if (!this.#stopped && this.#request !== undefined) this.#end(reason);
  }

  stop(): void {
    this.#stopped = true;
    this.#close();
    this.#cancelConnect();
  }

  #connect(): void {
    const { timers } = this.#options;
    try {
      this.#request = this.#open();
    } catch (error) {
      this.#end((error as Error).message);
      return;
    }
    this.#cancelWatch = timers.after(FIRST_BYTE_MS, () => this.#end(`no answer for ${FIRST_BYTE_MS / 1_000} s`));
  }

  #open(): ClientRequest {
    const { endpoint } = this.#options;
    const { ca, ...credentials } = readCredentials(endpoint);
    const resume = this.#options.resumeFrom();
    const target = new URL('v1/stream', endpoint.url);
    target.search = this.#options.query().toString();
    const headers = {
      accept: 'text/event-stream',
      'cache-control': 'no-store',
      ...credentials.headers,
      ...(resume === undefined ? {} : { 'last-event-id': resume }),
    };
    const connection = { method: 'GET', operatorUrl: endpoint.url, headers, ...(ca ? { ca } : {}) } as const;
    const request = open(target, connection, (response) => this.#answered(request, response));
    request.on('error', (error) => {
      if (this.#request !== request) return;
      if (error instanceof ProcessIdle) this.#endQuietly(0);
      else this.#whenRead(() => this.#end(describe(error)));
    });
    request.on('close', () => {
      if (this.#request === request) this.#whenRead(() => this.#end('the stream was cut'));
    });
    request.end();
    return request;
  }

  #answered(request: ClientRequest, response: IncomingMessage): void {
    if (this.#request !== request) return;
    const type = response.headers['content-type'] ?? 'no content type';
    if (response.statusCode === 200 && type.startsWith('text/event-stream')) {
      this.#read(request, response);
      return;
    }
    const status = response.statusCode ?? 0;
    if (status === 503) {
      const seconds = Number(response.headers['retry-after'] ?? 0);
      const wait = Number.isFinite(seconds) ? Math.min(Math.max(0, seconds * 1_000), GREATEST_RETRY_AFTER_MS) : 0;
      this.#end('it is not ready (503)', wait);
    } else if (status === 401 || status === 403) {
      this.#end(`it refuses the token of this process (${status}); check FUSEBOARD_TOKEN_FILE and its audience`);
    } else if (status >= 300 && status < 400) {
      this.#end(`it redirects (${status}), which is not followed; set FUSEBOARD_URL to the operator itself`);
    } else {
      this.#end(`it answers ${status} with ${type}, not an event stream; check that FUSEBOARD_URL is the operator's`);
    }
  }

  /** Reads the stream in slices, so that a large message does not block the process for long. */
  #read(request: ClientRequest, response: IncomingMessage): void {
    const { timers } = this.#options;
    const decoder = new EventDecoder();
    const chunks: Buffer[] = [];
    /** Events that are not processed yet; a loop that breaks leaves the rest in this iterator. */
    let events = ([] as DecodeResult['events']).values();
    let fault: string | undefined;
    let heartbeatMs = HEARTBEAT_MS;
    /** Whether `work` is scheduled. As long as anything is unread, it is. */
    let busy = false;
    let over: (() => void) | undefined;
    const alive = () => {
      this.#cancelWatch();
      const silence = SILENT_HEARTBEATS * heartbeatMs;
      this.#cancelWatch = timers.after(silence, () => this.#end(`it is silent for ${silence / 1_000} s`));
    };
    const work = () => {
      const began = timers.now();
      const before = busyMs();
      let heard = false;
      busy = false;
      while (this.#request === request && !busy) {
        const { value: event } = events.next();
        if (event !== undefined) {
          heard = true;
          const message = readMessage(event);
          if (message !== undefined) {
            if ('fault' in message) return this.#end(message.fault);
            if (message.type === 'hello') heartbeatMs = Math.min(Math.max(message.heartbeatMs, 100), 300_000);
            this.#receive(message);
          }
        } else if (fault !== undefined) {
          return this.#end(fault);
        } else if (chunks.length > 0) {
          const decoded = decoder.decode(chunks.shift()!);
          events = decoded.events.values();
          fault = decoded.fault;
        } else break;
        busy = timers.now() - began > SLICE_MS;
      }
      if (this.#request !== request) return;
      // Bytes that complete no event show no life: a stream could be kept open with them for ever.
      if (heard) alive();
      const pauseMs = this.#budget.spend(busyMs() - before, timers.now());
      if (busy || pauseMs > 0) {
        busy = true;
        setTimeout(work, pauseMs).unref();
      } else if (over !== undefined && response.destroyed) over();
      else response.resume();
    };
    this.#whenRead = (end) => {
      if (busy) over ??= end;
      else end();
    };
    alive();
    response.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      if (busy) return;
      busy = true;
      response.pause();
      setImmediate(work).unref();
    });
    response.on('end', () => {
      if (this.#request === request) this.#whenRead(() => this.#end('the stream ended'));
    });
  }

  #receive(message: Message): void {
    if (message.type === 'hello') {
      // A second hello would redirect the reports of a running stream.
      if (this.#opened) {
        this.#end('it says "hello" twice on one stream');
        return;
      }
      if (message.protocol !== PROTOCOL) {
        this.#end(
          `it speaks protocol ${message.protocol} and this agent ${PROTOCOL}; install a newer @fuseboard/agent`,
        );
        return;
      }
      this.#opened = true;
      this.#cancelHealth();
      this.#cancelHealth = this.#options.timers.after(HEALTHY_MS, () => {
        this.#backoff.reset();
        this.#warned.clear();
      });
    } else if (message.type === 'goaway') {
      const waitMs = Math.min(message.reconnectAfterMs, GREATEST_RETRY_AFTER_MS);
      this.#moveEnds = this.#options.timers.now() + waitMs + MOVE_MS;
      this.#endQuietly(waitMs);
      return;
    } else if (!this.#opened) {
      this.#end(`its first event is "${message.type}", not "hello"`);
      return;
    }
    let reason: string | undefined;
    try {
      reason = this.#options.received(message);
    } catch (error) {
      reason = `this agent failed on "${message.type}": ${(error as Error).message}`;
    }
    if (reason !== undefined) this.#end(reason);
  }

  #end(reason: string, atLeastMs = 0): void {
    const { timers } = this.#options;
    const isNew = !this.#warned.has(reason) && this.#warned.size < MAX_WARNINGS;
    if (!this.#stopped && isNew && timers.now() >= this.#moveEnds) {
      this.#warned.add(reason);
      this.#options.warn(`no policies from ${this.#options.endpoint.url.origin}: ${reason}`);
    }
    this.#endQuietly(atLeastMs);
  }

  #endQuietly(atLeastMs: number): void {
    this.#close();
    if (this.#stopped) return;
    // The operator chose this delay, so no backoff is added.
    this.#connectAfter(atLeastMs > 0 ? atLeastMs + this.#options.random() * SPREAD_MS : this.#backoff.next());
  }

  #connectAfter(ms: number): void {
    this.#cancelConnect();
    this.#cancelConnect = this.#options.timers.after(ms, () => this.#connect());
  }

  #close(): void {
    this.#cancelWatch();
    this.#cancelHealth();
    this.#whenRead = READ;
    const request = this.#request;
    const wasOpen = this.#opened;
    this.#request = undefined;
    this.#opened = false;
    request?.destroy();
    if (wasOpen) this.#options.closed();
  }
}

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly ca?: Buffer;
}

/** Reads the token and the CA file again. Throws an error with a message for the user. */
export function readCredentials({ tokenFile, caFile }: Endpoint): Credentials {
  const token = tokenFile === undefined ? '' : readText(tokenFile, 'the token').toString('latin1').trim();
  if (!/^[\x21-\x7e]*$/.test(token)) throw new Error(`the token in ${tokenFile} contains invalid characters`);
  return {
    headers: token === '' ? {} : { authorization: `Bearer ${token}` },
    ...(caFile === undefined ? {} : { ca: readText(caFile, 'the certificate authority') }),
  };
}

function readText(path: string, what: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new Error(`${what} cannot be read: ${(error as Error).message}`);
  }
}

function describe(error: Error): string {
  const cause = error instanceof AggregateError ? (error.errors[0] as Error) : error;
  return cause.message || error.name;
}
