import { signal } from '@preact/signals';
import type { LiveDifference, LiveState, Stamp } from '../../src/http/admin/live/live.ts';
import { eventReader, type StreamEvent } from './event-stream.ts';

/** Heartbeats arrive every 2 s, so a stream that is silent for this long is broken. */
export const SILENCE_MS = 4_000;

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 5_000;

/** The retry delay after a refusal, because more frequent requests do not help. */
const REFUSED_RETRY_MS = 30_000;

/** The state of the connection to the operator. */
export type Link =
  | { readonly phase: 'loading' }
  | { readonly phase: 'live' }
  | { readonly phase: 'lost'; readonly since: number; readonly why: string }
  | { readonly phase: 'refused'; readonly status: number; readonly why: string };

export interface Listener {
  state(state: LiveState): void;
  difference(difference: LiveDifference): void;
  stamp(stamp: Stamp): void;
}

/** The operator answered with an error. */
export class Refused extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Keeps a stream open, reports its state, and reconnects automatically. */
export class Connection {
  readonly link = signal<Link>({ phase: 'loading' });
  readonly #listener: Listener;
  #namespace: string | undefined;
  #attempt = new AbortController();
  #wake: () => void = () => {};
  #lastHeard = performance.now();

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  /** Opens a stream of a namespace, or of all namespaces. A previous stream ends. */
  open(namespace: string | undefined): void {
    this.#attempt.abort();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#namespace = namespace;
    this.link.value = { phase: 'loading' };
    void this.#keep(attempt.signal);
  }

  /** Reconnects at once. */
  retry(): void {
    this.#wake();
  }

  async #keep(over: AbortSignal): Promise<void> {
    let wait = FIRST_RETRY_MS;
    while (!over.aborted) {
      try {
        await this.#read(over, () => {
          wait = FIRST_RETRY_MS;
        });
        this.#lost('the operator ended the connection');
      } catch (error) {
        if (over.aborted) return;
        const why = error instanceof Error ? error.message : String(error);
        if (error instanceof Refused && error.status < 500) {
          this.link.value = { phase: 'refused', status: error.status, why };
          wait = REFUSED_RETRY_MS;
        } else this.#lost(why);
      }
      await this.#pause(wait, over);
      wait = Math.min(LONGEST_RETRY_MS, 2 * wait);
    }
  }

  #lost(why: string): void {
    const { value } = this.link;
    this.link.value = { phase: 'lost', since: value.phase === 'lost' ? value.since : this.#lastHeard, why };
  }

  #pause(ms: number, over: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      over.addEventListener('abort', this.#wake, { once: true });
    });
  }

  /** Reads a stream to its end; throws when the stream falls silent. */
  async #read(over: AbortSignal, onHealthy: () => void): Promise<void> {
    const silence = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const heard = () => {
      clearTimeout(timer);
      this.#lastHeard = performance.now();
      timer = setTimeout(() => silence.abort(new Error(`nothing came for ${SILENCE_MS / 1_000} s`)), SILENCE_MS);
    };
    timer = setTimeout(() => silence.abort(new Error('the operator does not answer')), SILENCE_MS);
    try {
      const query = this.#namespace === undefined ? '' : `?namespace=${encodeURIComponent(this.#namespace)}`;
      const response = await fetch(`v1/watch${query}`, { signal: AbortSignal.any([over, silence.signal]) });
      if (!response.ok) throw await refusal(response);
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
      const read = eventReader();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        heard();
        for (const event of read(value)) this.#take(event, onHealthy);
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #take({ event, data }: StreamEvent, onHealthy: () => void): void {
    const told = JSON.parse(data);
    if (event === 'state') {
      this.#listener.state(told);
      this.link.value = { phase: 'live' };
      onHealthy();
    } else if (event === 'difference') this.#listener.difference(told);
    else if (event === 'heartbeat') this.#listener.stamp(told);
  }
}

async function refusal(response: Response): Promise<Refused> {
  const told = await response.json().catch(() => undefined);
  return new Refused(response.status, told?.error ?? `the operator answered ${response.status}`);
}

/** Sends a request to the operator. Throws with the operator's message. */
export async function ask<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await fetch(path, { signal: AbortSignal.timeout(10_000), ...init });
  if (!response.ok) throw await refusal(response);
  return (response.status === 204 ? undefined : await response.json()) as T;
}
