import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectSecurely } from 'node:tls';
import type { Place } from './simulated-agent.ts';

const ANSWER_MS = 8_000;

/** Where reports are sent: an address, and the name that it is asked by. */
export interface ReportTarget {
  readonly address: string;
  readonly host: string;
  readonly port: number;
}

/** Sends one report after the other, over one connection that is kept or over one for each. */
export class ReportSocket {
  readonly #place: Place;
  readonly #keep: boolean;
  #target: ReportTarget;
  #socket: Socket | undefined;
  #answered: ((status: number | undefined) => void) | undefined;
  #expire: NodeJS.Timeout | undefined;
  #answer = '';

  constructor(place: Place, keep: boolean) {
    this.#place = place;
    this.#keep = keep;
    this.#target = place;
  }

  get target(): ReportTarget {
    return this.#target;
  }

  /** Reports go there from now on, over a new connection. */
  aim(target: ReportTarget): void {
    this.close();
    this.#target = target;
  }

  /** Sends a body and tells the status of the answer; absent when there was none. Only one at a time. */
  post(body: string, answered: (status: number | undefined) => void): void {
    const { namespace, headers } = this.#place;
    this.#answered = answered;
    this.#answer = '';
    this.#expire = setTimeout(() => this.close(), ANSWER_MS);
    this.#socket ??= this.#connect();
    this.#socket.write(
      `POST /v1/report?namespace=${namespace} HTTP/1.1\r\nhost: ${this.#target.host}\r\n${headers}content-type: application/json\r\n` +
        `content-length: ${Buffer.byteLength(body)}\r\nconnection: ${this.#keep ? 'keep-alive' : 'close'}\r\n\r\n${body}`,
      'latin1',
    );
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#settle(undefined);
  }

  #connect(): Socket {
    const socket = openSocket(this.#place, this.#target);
    socket.setEncoding('latin1');
    const gone = () => {
      if (this.#socket !== socket) return;
      this.#socket = undefined;
      this.#settle(undefined);
    };
    socket.on('error', gone).on('close', gone);
    socket.on('data', (text: string) => {
      if (this.#socket !== socket) return;
      this.#answer += text;
      const head = this.#answer.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = Number(/^content-length: *(\d+)/im.exec(this.#answer)?.[1] ?? 0);
      if (this.#answer.length < head + 4 + length) return;
      if (!this.#keep) {
        this.#socket = undefined;
        socket.destroy();
      }
      this.#settle(Number(this.#answer.slice(9, 12)));
    });
    return socket;
  }

  #settle(status: number | undefined): void {
    clearTimeout(this.#expire);
    const answered = this.#answered;
    this.#answered = undefined;
    answered?.(status);
  }
}

/** A connection to a target, in the way and from the address of a place. */
export function openSocket({ secure, localAddress }: Place, { address, port }: ReportTarget): Socket {
  const options: TcpNetConnectOpts = { port, host: address, ...(localAddress !== undefined && { localAddress }) };
  return secure ? connectSecurely({ ...options, rejectUnauthorized: false }) : connect(options);
}
