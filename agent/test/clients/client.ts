import type { Breaker } from '../../src/breakers/breaker.ts';

/** Where a call goes, and what ends it. */
export interface Target {
  readonly scheme: 'plain' | 'tls';
  readonly host: string;
  readonly port: number;
  /** A path of HTTP, or a method of gRPC. */
  readonly path: string;
  /** The client's own time limit. */
  readonly limitMs?: number;
  /** A signal that the caller gives the client. */
  readonly signal?: AbortSignal;
}

/** A client as its users write it, with a breaker around its call. */
export interface Client {
  readonly name: string;
  /** What is around the call: one of our adapters, or `execute`. */
  readonly by: string;
  readonly speaks: 'http' | 'grpc' | 'database';
  /** What it has no way to do. */
  readonly lacks?: readonly ('tls' | 'signal' | 'limit')[];
  call(breaker: Breaker, target: Target): Promise<unknown>;
}

export const urlOf = ({ scheme, host, port, path }: Target) =>
  `http${scheme === 'tls' ? 's' : ''}://${host}:${port}${path}`;
/** The signal of the caller, as an option. */
export const given = ({ signal }: Target) => (signal === undefined ? {} : { signal });
