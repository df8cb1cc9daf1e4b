/** What a simulated agent looks at in its stream. */
export interface StreamListener {
  /** The status of the answer, before any event; `retryAfterMs` where it came with one. */
  answered(status: number, retryAfterMs: number): void;
  /** `raw` is the whole event as it came, without the empty line that ends it. */
  event(name: string, data: string, raw: string): void;
}

const HEAD_END = '\r\n\r\n';

/**
 * Reads the answer to `GET /v1/stream`: the head, the body, in chunks or not, and the events in it, however the text is
 * cut. It looks at no more than a simulated agent needs, because thousands of them share a process; bytes are taken as
 * Latin-1.
 */
export class StreamReader {
  readonly #listener: StreamListener;
  #text = '';
  #body = '';
  #head = true;
  #chunked = false;
  /** What is still to come of the chunk that is being read. */
  #left = 0;

  constructor(listener: StreamListener) {
    this.#listener = listener;
  }

  push(text: string): void {
    this.#text = this.#text === '' ? text : this.#text + text;
    if (this.#head && !this.#readHead()) return;
    this.#readChunks();
    this.#readEvents();
  }

  #readHead(): boolean {
    const end = this.#text.indexOf(HEAD_END);
    if (end === -1) return false;
    const head = this.#text.slice(0, end);
    this.#text = this.#text.slice(end + HEAD_END.length);
    this.#head = false;
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
    this.#chunked = /^transfer-encoding: *chunked/im.test(head);
    const seconds = Number(/^retry-after: *(\d+)/im.exec(head)?.[1] ?? 0);
    this.#listener.answered(status, seconds * 1_000);
    return true;
  }

  #readChunks(): void {
    if (!this.#chunked) {
      this.#body += this.#text;
      this.#text = '';
      return;
    }
    let at = 0;
    const text = this.#text;
    while (at < text.length) {
      if (this.#left === 0) {
        const end = text.indexOf('\r\n', at);
        if (end === -1) break;
        this.#left = Number.parseInt(text.slice(at, end), 16) + 2;
        at = end + 2;
      }
      const take = Math.min(this.#left, text.length - at);
      const data = Math.min(take, Math.max(0, this.#left - 2));
      this.#body += text.slice(at, at + data);
      this.#left -= take;
      at += take;
    }
    this.#text = text.slice(at);
  }

  #readEvents(): void {
    let start = 0;
    const body = this.#body;
    for (let end = body.indexOf('\n\n'); end !== -1; end = body.indexOf('\n\n', start)) {
      const raw = body.slice(start, end);
      start = end + 2;
      const name = field(raw, 'event: ');
      if (name !== undefined) this.#listener.event(name, field(raw, 'data: ') ?? '', raw);
    }
    this.#body = start === body.length ? '' : body.slice(start);
  }
}

function field(raw: string, name: string): string | undefined {
  let at = raw.startsWith(name) ? 0 : raw.indexOf(`\n${name}`);
  if (at === -1) return undefined;
  if (at > 0) at += 1;
  const end = raw.indexOf('\n', at);
  return raw.slice(at + name.length, end === -1 ? undefined : end);
}
