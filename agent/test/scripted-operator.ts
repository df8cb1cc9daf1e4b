import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Report } from '@fuseboard/schema/types';
import { eventually } from './eventually.ts';

/** A report as it came, and where. */
export interface Received {
  readonly path: string;
  readonly report: Report;
}

/** An operator that says what a conversation says, byte for byte. */
export class ScriptedOperator {
  readonly #server: Server;
  readonly #streams: { request: IncomingMessage; response: ServerResponse }[] = [];
  #stream: ServerResponse | undefined;
  #answers: number[] = [];
  /** Reports that no step has looked at yet; refused ones are not among them. */
  readonly reports: Received[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('request', (request, response) => {
      if (request.method === 'GET') this.#streams.push({ request, response });
      else void this.#take(request, response);
    });
  }

  static async start(): Promise<ScriptedOperator> {
    const operator = new ScriptedOperator(createServer());
    operator.#server.listen(0, '127.0.0.1');
    await once(operator.#server, 'listening');
    return operator;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Waits until the agent opens a stream; what it sent with it. */
  async connected(): Promise<{ query: URLSearchParams; lastEventId: string | null }> {
    await eventually(() => this.#streams.length > 0);
    const { request, response } = this.#streams.shift()!;
    this.#stream = response;
    const { pathname, searchParams } = new URL(request.url!, this.url);
    if (pathname !== '/v1/stream') throw new Error(`the agent asked for ${pathname}`);
    return { query: searchParams, lastEventId: (request.headers['last-event-id'] as string | undefined) ?? null };
  }

  refuse(status: number, headers: Readonly<Record<string, string>>): void {
    this.#stream!.writeHead(status, headers).end();
  }

  /** Writes events; the blank line that ends the last one is added. */
  send(text: string): void {
    const stream = this.#stream!;
    if (!stream.headersSent) stream.writeHead(200, { 'content-type': 'text/event-stream' });
    stream.write(`${text.replaceAll('$URL', this.url)}\n`);
  }

  cut(): void {
    this.#stream?.destroy();
  }

  /** Waits until the agent has ended the stream. */
  async hungUp(): Promise<void> {
    const stream = this.#stream!;
    await eventually(() => stream.destroyed);
  }

  answerReports(statuses: readonly number[]): void {
    this.#answers = [...statuses];
  }

  /** Waits until the agent has got all of them. */
  async answered(): Promise<void> {
    await eventually(() => this.#answers.length === 0);
  }

  async stop(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    if (this.#server.listening) await once(this.#server, 'close');
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const status = this.#answers.shift() ?? 204;
    if (status === 204) {
      const path = new URL(request.url!, this.url).pathname;
      this.reports.push({ path, report: JSON.parse(Buffer.concat(chunks).toString('utf8')) as Report });
    }
    response.writeHead(status).end();
  }
}
