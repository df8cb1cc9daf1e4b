import type { IncomingMessage } from 'node:http';
import { type Answer, HttpRelay } from './http-relay.ts';

const isWatch = (request: IncomingMessage) => request.url!.includes('watch=true');
const isPolicies = (request: IncomingMessage) => /\/circuitbreakerpolicies(\?|$)/.test(request.url!);

/** The way of one replica to the API server, and what it meets there. */
export class ApiWay {
  readonly relay: HttpRelay;
  /** What every request meets; absent: the API server. */
  refusal: Answer | undefined;
  /** How many watches are told that their history is gone. */
  expirations = 0;
  /** How many lists are answered as another API server would that is behind. */
  oldLists = 0;
  /** Written into the watches that are open at their next piece. */
  #inject: string | undefined;
  #oldList: string | undefined;
  /**
   * Whether the next list is still to come that a server that is behind answers from then on; it begins with the first
   * one.
   */
  remembering = true;

  constructor(url: string) {
    this.relay = new HttpRelay([new URL(url)], {
      answer: (request) => this.#answer(request),
      body: (request) => this.#body(request),
    });
  }

  /** Says the next time that something comes on a watch that its history is gone, or something that nobody can read. */
  inject(line: string): void {
    this.#inject = `${line}\n`;
  }

  /** Has the next list remembered, and brings it about. */
  remember(): void {
    this.remembering = true;
    this.relay.cut();
  }

  heal(): void {
    this.relay.heal();
    this.refusal = undefined;
    this.expirations = 0;
    this.oldLists = 0;
    this.#inject = undefined;
  }

  #answer(request: IncomingMessage): Answer | undefined {
    if (this.refusal !== undefined) return this.refusal;
    if (!isPolicies(request)) return undefined;
    if (isWatch(request) && this.expirations > 0) {
      this.expirations -= 1;
      return { status: 410, headers: JSON_TYPE, body: JSON.stringify(GONE) };
    }
    if (!isWatch(request) && this.oldLists > 0 && this.#oldList !== undefined) {
      this.oldLists -= 1;
      return { status: 200, headers: JSON_TYPE, body: this.#oldList };
    }
    return undefined;
  }

  #body(request: IncomingMessage): ((chunk: Buffer) => Buffer) | undefined {
    if (!isPolicies(request)) return undefined;
    if (isWatch(request)) {
      return (chunk) => {
        const injected = this.#inject;
        this.#inject = undefined;
        return injected === undefined ? chunk : Buffer.concat([Buffer.from(injected), chunk]);
      };
    }
    let whole = '';
    return (chunk) => {
      whole += chunk;
      if (this.remembering && isComplete(whole)) {
        this.#oldList = whole;
        this.remembering = false;
      }
      return chunk;
    };
  }
}

const JSON_TYPE = { 'content-type': 'application/json' };
const GONE = { kind: 'Status', status: 'Failure', code: 410, reason: 'Expired', message: 'too old resource version' };
export const GONE_EVENT = JSON.stringify({ type: 'ERROR', object: GONE });

function isComplete(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
