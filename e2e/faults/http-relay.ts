import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { reset } from '../cluster/relay.ts';

/** What a request meets instead of the server. `hold` leaves it without an answer. */
export type Answer =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body: string }
  | 'hold';

export interface Hooks {
  /** Decides what a request meets; absent: the server. */
  readonly answer?: (request: IncomingMessage) => Answer | undefined;
  /** Another path than was asked for. */
  readonly path?: (request: IncomingMessage) => string;
  /** Takes the whole body of a request and gives what is sent to the server. */
  readonly sends?: (request: IncomingMessage, body: Buffer) => Buffer;
  /** Takes each piece of an answer and gives what is passed on. */
  readonly body?: (request: IncomingMessage) => ((chunk: Buffer) => Buffer) | undefined;
  /**
   * Takes a whole request body; what it returns is sent to the server as often, and after as many ms. The first answer
   * counts; a first delay of Infinity loses it.
   */
  readonly deliveries?: (request: IncomingMessage) => readonly number[] | undefined;
}

/**
 * An HTTP proxy on loopback in the place of a Service or of the way to the API server: a connection belongs to one of
 * the targets in turn. The wire may be slow, silent or cut, and requests and answers may be changed on their way.
 */
export class HttpRelay {
  readonly #server: Server;
  readonly #hooks: Hooks;
  readonly #sockets = new Set<Socket>();
  readonly #targetOf = new WeakMap<Socket, URL>();
  readonly #swallowed = new WeakSet<Socket>();
  readonly #waiting = new Set<() => void>();
  targets: readonly URL[];
  /** Each connection is reset at once. */
  refusing = false;
  delayMs = 0;
  bytesPerSecond = Number.POSITIVE_INFINITY;
  /** The share of pieces, from 0 to 1, that must be sent again, after a wait that grows as that of TCP does. */
  loss = 0;
  /** Bytes of answers that were passed on. */
  passed = 0;
  /** Requests that were sent once more, or after they were given up. */
  again = 0;
  #silent = false;
  /** How many bytes the next answer may have before the wire is cut. */
  #cutAfter: number | undefined;
  #stalled: ((request: IncomingMessage) => boolean) | undefined;
  #next = 0;

  constructor(targets: readonly URL[], hooks: Hooks = {}) {
    this.targets = targets;
    this.#hooks = hooks;
    this.#server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
      this.#relay(request, response).catch(() => {
        request.destroy();
        response.destroy();
      });
    });
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket));
      if (this.refusing || this.targets.length === 0) reset(socket);
      else this.#targetOf.set(socket, this.targets[this.#next++ % this.targets.length]!);
    });
  }

  async start(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Takes everything and passes nothing on. */
  get silent(): boolean {
    return this.#silent;
  }

  set silent(silent: boolean) {
    this.#silent = silent;
    this.#wake();
  }

  /** Answers to these requests do not continue, as if their reader had stopped; absent: all continue. */
  stall(which: ((request: IncomingMessage) => boolean) | undefined): void {
    this.#stalled = which;
    this.#wake();
  }

  /** Continues with new connections, and leaves those that are open silent for ever. */
  swallow(): void {
    for (const socket of this.#sockets) this.#swallowed.add(socket);
    this.silent = false;
  }

  /** Resets every connection; new ones are taken. */
  cut(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  /** Cuts the next answer that has so many bytes in the middle. */
  cutAfter(bytes: number): void {
    this.#cutAfter = bytes;
  }

  /** A wire like any other again. */
  heal(): void {
    this.refusing = false;
    this.delayMs = 0;
    this.bytesPerSecond = Number.POSITIVE_INFINITY;
    this.loss = 0;
    this.#cutAfter = undefined;
    this.#stalled = undefined;
    this.silent = false;
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.cut();
    this.heal();
    await once(this.#server, 'close');
  }

  async #relay(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {});
    const answer = this.#hooks.answer?.(request);
    if (answer === 'hold') return;
    if (answer !== undefined) {
      request.resume();
      response.writeHead(answer.status, answer.headers).end(answer.body);
      return;
    }
    const whole = Buffer.concat(await request.toArray());
    const body = this.#hooks.sends?.(request, whole) ?? whole;
    await this.#pass(request, body.length);
    const [first = 0, ...again] = this.#hooks.deliveries?.(request) ?? [];
    for (const ms of again) setTimeout(() => this.#repeat(request, body), ms);
    if (first === Number.POSITIVE_INFINITY) return;
    await sleep(first);
    const upstream = this.#ask(request, body);
    if (upstream === undefined) return;
    response.on('close', () => upstream.destroy());
    const [far] = (await once(upstream, 'response')) as [IncomingMessage];
    await this.#passBack(request, far, response);
  }

  #repeat(request: IncomingMessage, body: Buffer): void {
    this.#ask(request, body)?.on('response', (far) => {
      this.again += 1;
      far.resume();
    });
  }

  #ask(request: IncomingMessage, body: Buffer) {
    const target = this.#targetOf.get(request.socket);
    if (target === undefined) return undefined;
    const path = this.#hooks.path?.(request) ?? request.url!;
    const length = request.headers['content-length'] !== undefined && { 'content-length': String(body.length) };
    const headers = { ...request.headers, host: target.host, connection: 'close', ...length };
    const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
    const options = { method: request.method!, headers, agent: false, rejectUnauthorized: false };
    const upstream = send(new URL(path, target), options);
    // A server that is gone is a wire that is cut.
    upstream.on('error', () => reset(request.socket));
    return upstream.end(body);
  }

  async #passBack(request: IncomingMessage, far: IncomingMessage, response: ServerResponse): Promise<void> {
    const { connection, 'transfer-encoding': _encoding, 'keep-alive': _alive, ...headers } = far.headers;
    const change = this.#hooks.body?.(request);
    if (change !== undefined) delete headers['content-length'];
    await this.#pass(request, 0);
    response.writeHead(far.statusCode!, headers);
    response.flushHeaders();
    let written = 0;
    far.on('error', () => reset(request.socket));
    for await (const chunk of far as AsyncIterable<Buffer>) {
      await this.#pass(request, chunk.length);
      const changed = change?.(chunk) ?? chunk;
      if (this.#cutAfter !== undefined && written + changed.length > this.#cutAfter) {
        response.write(changed.subarray(0, Math.max(0, this.#cutAfter - written)));
        this.#cutAfter = undefined;
        setImmediate(() => reset(request.socket));
        return;
      }
      written += changed.length;
      this.passed += changed.length;
      if (response.destroyed) return;
      if (!response.write(changed)) await drained(response);
    }
    if (far.complete) response.end();
    else reset(request.socket);
  }

  /** Waits as long as the wire makes this piece wait. */
  async #pass(request: IncomingMessage, bytes: number): Promise<void> {
    let waitMs = this.delayMs + (bytes / this.bytesPerSecond) * 1_000;
    for (let resendMs = 200; Math.random() < this.loss && resendMs < 2_000; resendMs *= 2) waitMs += resendMs;
    if (waitMs > 0) await sleep(waitMs);
    const { socket } = request;
    const kept = () => this.#silent || this.#swallowed.has(socket) || this.#stalled?.(request);
    while (kept() && !socket.destroyed) {
      await new Promise<void>((resolve) => {
        this.#waiting.add(resolve);
        socket.once('close', resolve);
      });
    }
  }

  #wake(): void {
    for (const resolve of this.#waiting) resolve();
    this.#waiting.clear();
  }
}

/** Resolves when the reader has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle).off('close', settle);
      resolve();
    };
    response.on('drain', settle).on('close', settle);
  });
}
