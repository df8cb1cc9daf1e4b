import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { eventually } from './eventually.ts';

export const STREAM_HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n';

export const event = (type: string, data: unknown) =>
  `event: ${type}\ndata: ${typeof data === 'string' ? data : JSON.stringify(data)}\n\n`;

/** Accepts streams and reports of an agent, and leaves every byte of the answers to the test. */
export class RawOperator {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The connections whose first request is a stream, or a report. */
  readonly streams: Socket[] = [];
  readonly reports: Socket[] = [];

  private constructor() {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', (head) => {
        (head.toString('latin1').startsWith('GET') ? this.streams : this.reports).push(socket);
      });
    });
  }

  static async start(): Promise<RawOperator> {
    const operator = new RawOperator();
    operator.#server.listen(0, '127.0.0.1');
    await once(operator.#server, 'listening');
    return operator;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stream(): Promise<Socket> {
    await eventually(() => this.streams.length > 0);
    return this.streams.shift()!;
  }

  async report(): Promise<Socket> {
    await eventually(() => this.reports.length > 0);
    return this.reports.shift()!;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
