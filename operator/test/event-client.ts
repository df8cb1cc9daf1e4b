import { type ClientRequest, get, type IncomingMessage } from 'node:http';
import { faultsOf } from '@fuseboard/schema/wire-contract';

export interface StreamEvent {
  readonly event: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
  readonly data: any;
}

/**
 * Reads an event stream over a socket of its own, as plainly as it can. An event that is not as the published schema
 * has it fails the test.
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
    let rest = '';
    response.setEncoding('utf8').on('data', (chunk: string) => {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop()!;
      client.events.push(...blocks.map(read));
      const faults = client.events.slice(-blocks.length).flatMap(({ event, data }) => faultsOf(event, data));
      if (faults.length > 0) throw new Error(`the operator sent what no agent has to understand: ${faults.join('; ')}`);
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

function read(block: string): StreamEvent {
  const fields = Object.fromEntries(
    block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
  );
  return { event: fields.event!, ...(fields.id && { id: fields.id }), data: JSON.parse(fields.data!) };
}
