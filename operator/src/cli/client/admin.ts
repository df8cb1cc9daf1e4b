import { CliError, EXIT_CODES } from '../exit-codes.ts';

/** The response has a status other than 2xx. */
export class AdminError extends CliError {
  readonly status: number;

  constructor(status: number, message: string) {
    super(EXIT_CODES.unreachable, message);
    this.status = status;
  }
}

export interface AdminClientOptions {
  readonly url: string;
  /** Name for messages; absent: the URL. */
  readonly name?: string;
  readonly token?: () => Promise<string | undefined>;
}

const LIMIT_MS = 15_000;

type Query = Readonly<Record<string, string | undefined>>;

/** A client of an operator's admin API. Every problem becomes an error with a one-line message for the user. */
export class AdminClient {
  readonly url: string;
  readonly #name: string;
  readonly #token: () => Promise<string | undefined>;

  constructor({ url, name = url, token = async () => undefined }: AdminClientOptions) {
    this.url = url;
    this.#name = name;
    this.#token = token;
  }

  get<T>(path: string, query: Query = {}): Promise<T> {
    return this.#json('GET', path, query);
  }

  post<T>(path: string, body: unknown): Promise<T> {
    return this.#json('POST', path, {}, body);
  }

  delete<T>(path: string): Promise<T> {
    return this.#json('DELETE', path, {});
  }

  /** The authorization header; empty when no credentials are needed. */
  async authorization(): Promise<{ authorization?: string }> {
    const token = await this.#token();
    return token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** Yields the events of a stream with name and data, until the stream ends or `signal` is aborted. */
  async *events(path: string, query: Query, signal: AbortSignal): AsyncGenerator<{ event: string; data: unknown }> {
    const response = await this.#send('GET', path, query, undefined, signal);
    let rest = '';
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop()!;
      for (const block of blocks) {
        const field = (name: string) =>
          block
            .split('\n')
            .filter((line) => line.startsWith(`${name}:`))
            .map((line) => line.slice(name.length + 1).trimStart())
            .join('\n');
        const data = field('data');
        if (data !== '') yield { event: field('event') || 'message', data: JSON.parse(data) };
      }
    }
  }

  async #json<T>(method: string, path: string, query: Query, body?: unknown): Promise<T> {
    const response = await this.#send(method, path, query, body, AbortSignal.timeout(LIMIT_MS));
    if (response.status === 204) return {} as T;
    const answer: unknown = await response.json().catch(() => undefined);
    if (typeof answer !== 'object' || answer === null) {
      throw new CliError(
        EXIT_CODES.unreachable,
        `${this.#name} answered, but not as the admin API of an operator; check the URL`,
      );
    }
    return answer as T;
  }

  async #send(method: string, path: string, query: Query, body: unknown, signal: AbortSignal): Promise<Response> {
    const url = new URL(path, this.url);
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
    const headers = {
      ...(await this.authorization()),
      ...(body !== undefined && { 'content-type': 'application/json' }),
    };
    let response: Response;
    try {
      response = await fetch(url, {
        method,
        headers,
        signal,
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
    } catch (error) {
      const { cause, message } = error as Error;
      const why = (cause as Error | undefined)?.message ?? message;
      throw new CliError(EXIT_CODES.unreachable, `cannot reach ${this.#name}: ${why}`);
    }
    if (response.ok) return response;
    const { error } = (await response.json().catch(() => ({}))) as { error?: string };
    const why = error ?? `it answered ${response.status} and not as an operator's admin API does`;
    // A token goes to the URL of --server only when asked for.
    const advice =
      response.status === 401 && !('authorization' in headers) ? '; --kubeconfig FILE sends its token' : '';
    throw new AdminError(response.status, `cannot ask ${this.#name}: ${why}${advice}`);
  }
}

/** One replica of the operator. */
export interface Replica {
  /** The name of the replica, or its URL while the name is not known. */
  readonly name: string;
  /** The client, or the reason why the replica cannot be reached. */
  readonly admin: AdminClient | string;
}
