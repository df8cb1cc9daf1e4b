/** What the benchmarks use of packages that bring no types. */
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
