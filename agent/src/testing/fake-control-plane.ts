import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { PROTOCOL } from '@fuseboard/schema/defaults';
import type { PolicySpec, Report } from '@fuseboard/schema/types';
import { checkOptions, type Fields } from '../errors/options.ts';
import { routesOf } from '../link/local/bootstrap.ts';

/** A policy to push. */
export interface PushedPolicy {
  readonly name: string;
  readonly spec: PolicySpec;
  /** Absent: derived from the name. */
  readonly uid?: string;
  /** Absent: incremented when the spec differs from the last push of this uid. */
  readonly generation?: number;
}

/** A stream opened by an agent. */
export interface FakeStream {
  /** The query of the agent's request. */
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** The Last-Event-ID of the request. */
  readonly resumedFrom: string | undefined;
}

/** An answer of the server outside the protocol. */
export type Answer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Accepts the request and never answers. */
  | 'hang';

export interface FakeControlPlaneOptions {
  /** Absent: a free port. */
  readonly port?: number;
  /** Heartbeat interval announced to agents, in milliseconds; only `heartbeat()` sends a heartbeat. Absent: 15,000. */
  readonly heartbeatMs?: number;
  /** A key and a certificate for `localhost`, as PEM. Absent: plain text. */
  readonly tls?: { readonly key: string; readonly cert: string };
  /** The report URL announced to agents. Absent: this server. */
  readonly reportUrl?: string;
}

const OPTIONS: Fields = {
  port: 'number',
  heartbeatMs: 'number',
  tls: ['an object with key and cert', (tls) => typeof tls === 'object'],
  reportUrl: 'string',
};

const POLICY: Fields = {
  name: 'string',
  spec: ['an object', (spec) => Object(spec) === spec],
  uid: 'string',
  generation: 'number',
};

/**
 * An operator for tests: a real server on 127.0.0.1 that speaks the protocol, pushes policies and records reports.
 * `start({ url: plane.url })` connects the agent of the process to it.
 */
export class FakeControlPlane {
  readonly #server: Server;
  readonly #options: FakeControlPlaneOptions;
  readonly #open = new Map<ServerResponse, FakeStream>();
  readonly #changed = new Set<() => void>();
  readonly #heldNames = new Set<string>();
  #policies: Required<PushedPolicy>[] = [];
  #version = 0;
  #streamAnswer: Answer | undefined;
  #reportAnswers: number[] = [];

  /** Every part of every report answered with 204, in order. */
  readonly reports: Report[] = [];
  /** Every requested stream, in order, including refused ones. */
  readonly connections: FakeStream[] = [];

  private constructor(server: Server, options: FakeControlPlaneOptions) {
    this.#server = server;
    this.#options = options;
    server.on('request', (request, response) => this.#route(request, response));
  }

  static async start(options: FakeControlPlaneOptions = {}): Promise<FakeControlPlane> {
    checkOptions('FakeControlPlane.start', options, OPTIONS);
    const server = options.tls ? createTlsServer(options.tls) : createServer();
    const plane = new FakeControlPlane(server, options);
    server.listen(options.port ?? 0, '127.0.0.1');
    await once(server, 'listening');
    return plane;
  }

  /** The value for FUSEBOARD_URL. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return this.#options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`;
  }

  /** The open streams. */
  get streams(): readonly FakeStream[] {
    return [...this.#open.values()];
  }

  /** The revision of the last push. */
  get revision(): string {
    const held = [...this.#heldNames];
    return createHash('sha256')
      .update(JSON.stringify([this.#policies, held]))
      .digest('hex')
      .slice(0, 32);
  }

  /** Replaces all policies and pushes them to every stream. An empty list is pushed too. */
  push(policies: readonly PushedPolicy[]): void {
    for (const policy of policies) checkOptions('a pushed policy', policy, POLICY);
    const before = new Map(this.#policies.map((policy) => [policy.uid, policy]));
    this.#policies = policies.map(({ name, spec, uid = `uid-${name}`, generation }) => {
      const known = before.get(uid);
      const same = known !== undefined && JSON.stringify(known.spec) === JSON.stringify(spec);
      return { name, spec, uid, generation: generation ?? (same ? known.generation : (known?.generation ?? 0) + 1) };
    });
    this.#heldNames.clear();
    this.#publish();
  }

  /** Marks the newest generation of a pushed policy as invalid: agents keep their version. */
  hold(name: string): void {
    this.#policies = this.#policies.map((policy) =>
      policy.name === name ? { ...policy, generation: policy.generation + 1 } : policy,
    );
    this.#heldNames.add(name);
    this.#publish();
  }

  /** Removes a policy, as a patch to every stream. */
  remove(name: string): void {
    const base = this.revision;
    const gone = this.#policies.find((policy) => policy.name === name);
    if (gone === undefined) throw new Error(`no policy "${name}" was pushed`);
    this.#policies = this.#policies.filter((policy) => policy !== gone);
    this.#version += 1;
    const { revision } = this;
    this.send(
      frame('begin', { kind: 'patch', base, revision, asOf: this.#asOf(), now: Date.now() }) +
        frame('remove', { uid: gone.uid }) +
        frame('routes', this.#routes()) +
        frame('commit', { revision }, revision),
    );
  }

  heartbeat(): void {
    this.send(frame('heartbeat', { asOf: this.#asOf(), now: Date.now() }));
  }

  goaway(reconnectAfterMs = 0): void {
    this.send(frame('goaway', { reconnectAfterMs }));
  }

  /** Writes raw bytes to every stream, such as garbage or half an event. */
  send(bytes: string | Uint8Array): void {
    for (const response of this.#open.keys()) response.write(bytes);
  }

  /** Cuts every stream. */
  cut(): void {
    for (const response of this.#open.keys()) response.destroy();
  }

  /** Sets the answer to further streams; without an argument, the protocol applies again. */
  answerStreams(answer?: Answer): void {
    this.#streamAnswer = answer;
  }

  /** Sets the statuses of the next reports, one each, for example 421; then 204 again. */
  answerReports(...statuses: number[]): void {
    this.#reportAnswers = statuses;
  }

  /** Resolves as soon as `holds` returns true; it is called after every action of an agent. */
  async until(holds: (plane: this) => boolean): Promise<void> {
    if (holds(this)) return;
    await new Promise<void>((resolve) => {
      const check = () => {
        if (!holds(this)) return;
        this.#changed.delete(check);
        resolve();
      };
      this.#changed.add(check);
    });
  }

  /** Ends every stream and closes the port. */
  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  #route(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    if (request.method === 'GET' && url.pathname === '/v1/stream') this.#stream(request, response, url.searchParams);
    else if (request.method === 'POST' && url.pathname === '/v1/report') void this.#report(request, response);
    else response.writeHead(404).end();
  }

  #stream(request: IncomingMessage, response: ServerResponse, query: URLSearchParams): void {
    const resumed = request.headers['last-event-id'];
    const stream = { query, headers: request.headers, resumedFrom: typeof resumed === 'string' ? resumed : undefined };
    this.connections.push(stream);
    if (this.#streamAnswer !== undefined) {
      if (this.#streamAnswer !== 'hang') {
        const { status, headers, body = '' } = this.#streamAnswer;
        response.writeHead(status, headers).end(body);
      }
      this.#notifyWaiters();
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    this.#open.set(response, stream);
    response.on('close', () => {
      this.#open.delete(response);
      this.#notifyWaiters();
    });
    const { reportUrl, heartbeatMs = 15_000 } = this.#options;
    const { revision } = this;
    response.write(frame('hello', { protocol: PROTOCOL, heartbeatMs, ...(reportUrl ? { reportUrl } : {}) }));
    if (stream.resumedFrom === revision) {
      response.write(frame('insync', { revision, asOf: this.#asOf(), now: Date.now() }));
    } else response.write(this.#snapshot());
    this.#notifyWaiters();
  }

  async #report(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const status = this.#reportAnswers.shift() ?? 204;
    if (status === 204) this.reports.push(JSON.parse(Buffer.concat(chunks).toString('utf8')) as Report);
    response.writeHead(status).end();
    this.#notifyWaiters();
  }

  #publish(): void {
    this.#version += 1;
    this.send(this.#snapshot());
  }

  #snapshot(): string {
    const { revision } = this;
    const policies = this.#policies.map(({ uid, generation, name, spec }) =>
      frame(
        'policy',
        this.#heldNames.has(name) ? { uid, generation, name, hold: true } : { uid, generation, name, spec },
      ),
    );
    return [
      frame('begin', { kind: 'snapshot', revision, asOf: this.#asOf(), now: Date.now() }),
      ...policies,
      frame('routes', this.#routes()),
      frame('commit', { revision }, revision),
    ].join('');
  }

  #routes() {
    return routesOf(this.#policies.map(({ name, uid, spec }) => ({ metadata: { name, uid }, spec })));
  }

  #asOf() {
    return { policies: String(1_000 + this.#version) };
  }

  #notifyWaiters(): void {
    for (const check of [...this.#changed]) check();
  }
}

function frame(event: string, content: unknown, id?: string): string {
  return `event: ${event}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(content)}\n\n`;
}
