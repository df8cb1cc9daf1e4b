/** What the benchmarks use of packages that bring no types. */
declare module 'opossum' {
  export default class CircuitBreaker<T> {
    constructor(action: (...args: unknown[]) => Promise<T>, options: Record<string, unknown>);
    readonly opened: boolean;
    fire(...args: unknown[]): Promise<T>;
    open(): void;
    shutdown(): void;
    fallback(answer: (...args: unknown[]) => unknown): this;
  }
}

declare module 'brakes' {
  export default class Brakes<T> {
    constructor(action: (...args: unknown[]) => Promise<T>, options: Record<string, unknown>);
    exec(...args: unknown[]): Promise<T>;
    fallback(answer: (...args: unknown[]) => Promise<unknown>): unknown;
    _open(): void;
  }
}

declare module 'autocannon' {
  interface Result {
    readonly duration: number;
    readonly errors: number;
    readonly timeouts: number;
    readonly non2xx: number;
    readonly latency: { readonly p99: number };
    readonly requests: { readonly total: number };
  }
  interface Load extends Promise<Result> {
    on(event: 'response', listener: (client: unknown, status: number, bytes: number, ms: number) => void): this;
  }
  export default function autocannon(options: {
    url: string;
    connections: number;
    connectionRate: number;
    duration: number;
  }): Load;
}
