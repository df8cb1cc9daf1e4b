import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { faultsOf } from '@fuseboard/schema/wire-contract';
import { createParser } from 'eventsource-parser';

export interface StreamEvent {
  readonly event: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  readonly data: any;
}

/**
 * Reads an event stream over a socket of its own. An event for agents that the published schema does not allow fails
 * the test.
 */
export class EventClient {
  readonly events: StreamEvent[] = [];
  ended = false;
  #request: ClientRequest | undefined;
  #response: IncomingMessage | undefined;
  #wake: () => void = () => {};

  /** Opens a stream; resolves when the status is known. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventClient & { status: number }> {
    const client = new EventClient();
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      client.#request = get(url, { headers, agent: false }, resolve).on('error', (error) => {
        client.#end();
        reject(error);
      });
    });
    client.#response = response;
    const isForAgents = new URL(url).pathname === '/v1/stream';
    const parser = createParser({
      onEvent: ({ event = 'message', id, data }) => {
        const parsed = { event, ...(id && { id }), data: JSON.parse(data) };
        client.events.push(parsed);
        const faults = isForAgents ? faultsOf(event, parsed.data) : [];
        if (faults.length > 0) throw new Error(`the operator sent an invalid event: ${faults.join('; ')}`);
      },
    });
    response.setEncoding('utf8').on('data', (chunk: string) => {
      parser.feed(chunk);
      client.#wake();
    });
    response.on('close', () => client.#end()).on('error', () => client.#end());
    return Object.assign(client, { status: response.statusCode! });
  }

  header(name: string): string | undefined {
    return this.#response?.headers[name] as string | undefined;
  }

  /** Resolves to the first event, from `from` on, for which `wanted` holds. */
  async until(wanted: (event: StreamEvent) => boolean, from = 0): Promise<StreamEvent> {
    for (;;) {
      const found = this.events.slice(from).find(wanted);
      if (found) return found;
      if (this.ended) throw new Error(`the stream ended after ${JSON.stringify(this.events)}`);
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  async untilEnd(): Promise<void> {
    while (!this.ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  pause(): void {
    this.#response?.pause();
  }

  resume(): void {
    this.#response?.resume();
  }

  close(): void {
    this.#request?.destroy();
  }

  #end(): void {
    this.ended = true;
    this.#wake();
  }
}
