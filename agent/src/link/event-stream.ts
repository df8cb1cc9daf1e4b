/** Maximum length of an event, in characters. `routes` has a higher limit, because it is one event for a whole set. */
export const MAX_EVENT_LENGTH = 128 * 1024;
export const MAX_ROUTES_LENGTH = 4 * 1024 * 1024;

export interface StreamEvent {
  /** The type of the event; `message` when the stream gives none. */
  readonly event: string;
  readonly data: string;
  readonly id?: string;
}

export interface DecodeResult {
  readonly events: readonly StreamEvent[];
  /** Why the stream is unreadable from here on. The decoder ignores all later data. */
  readonly fault?: string;
}

/**
 * Decodes a `text/event-stream`, independent of how its bytes are split into chunks. Never throws: invalid UTF-8
 * becomes replacement characters, unknown fields and comments are skipped, and an event beyond its limit is a fault.
 */
export class EventDecoder {
  readonly #utf8 = new TextDecoder('utf-8');
  #rest = '';
  #afterReturn = false;
  #event = '';
  #data: string[] = [];
  #length = 0;
  #id: string | undefined;
  #fault: string | undefined;

  decode(chunk: Uint8Array): DecodeResult {
    const events: StreamEvent[] = [];
    if (this.#fault === undefined) this.#read(this.#utf8.decode(chunk, { stream: true }), events);
    return this.#fault === undefined ? { events } : { events, fault: this.#fault };
  }

  #read(text: string, events: StreamEvent[]): void {
    let start = this.#afterReturn && text.startsWith('\n') ? 1 : 0;
    if (text !== '') this.#afterReturn = text.endsWith('\r');
    const lineEnd = /\r\n|\r|\n/g;
    lineEnd.lastIndex = start;
    for (let end = lineEnd.exec(text); end !== null; end = lineEnd.exec(text)) {
      this.#line(this.#rest + text.slice(start, end.index), events);
      this.#rest = '';
      start = lineEnd.lastIndex;
      if (this.#fault !== undefined) return;
    }
    this.#rest += text.slice(start);
    this.#bound(this.#length + this.#rest.length);
  }

  #line(line: string, events: StreamEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0) {
        const event = { event: this.#event || 'message', data: this.#data.join('\n') };
        events.push(this.#id === undefined ? event : { ...event, id: this.#id });
      }
      this.#event = '';
      this.#data = [];
      this.#length = 0;
      this.#id = undefined;
      return;
    }
    // A skipped line counts too, so that the limit does not depend on where the chunks are split.
    this.#bound(this.#length + line.length);
    const colon = line.indexOf(':');
    if (colon === 0) return;
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    else if (field === 'data') this.#data.push(value);
    else return;
    this.#length += line.length;
    this.#bound(this.#length);
  }

  #bound(length: number): void {
    const maxLength = this.#event === 'routes' ? MAX_ROUTES_LENGTH : MAX_EVENT_LENGTH;
    if (length > maxLength) this.#fault = `an event is longer than ${maxLength / 1024} KiB`;
  }
}
