import type { NextFunction, Request, Response } from 'express';
import { isLoopback } from '../core/loopback.ts';
import { printable } from '../core/printable.ts';
import { Problem } from '../ports/problem.ts';

export interface ForeignPagesOptions {
  /** The listen address of the port. On loopback, only host names of the local machine are answered. */
  readonly host: string;
}

/**
 * Protects a port for programs from web pages. No program sends an `Origin` header. A foreign page whose own name
 * resolves to 127.0.0.1 (DNS rebinding) still sends that name as `Host`.
 */
export function refuseForeignPages({ host: listening }: ForeignPagesOptions) {
  const own = isLoopback(listening);
  return (request: Request, _response: Response, next: NextFunction): void => {
    const host = request.get('host');
    if (own && !isOwnName(host)) {
      throw new Problem(403, `host: ${quoted(host)} is not a name of this machine; use localhost or 127.0.0.1`);
    }
    const origin = request.get('origin');
    const site = request.get('sec-fetch-site');
    if (origin !== undefined || (site !== undefined && site !== 'none' && site !== 'same-origin')) {
      throw new Problem(403, `origin: this port answers programs, not pages of ${quoted(origin ?? site)}`);
    }
    next();
  };
}

/** Whether a Host header names the local machine. */
export function isOwnName(host: string | undefined): boolean {
  const name = host === undefined ? undefined : URL.parse(`http://${host}`)?.hostname;
  return name !== undefined && isLoopback(name.replace(/^\[(.*)\]$/, '$1'));
}

/** A quoted header value for an error message. */
export const quoted = (text: string | undefined) => printable(JSON.stringify(text?.slice(0, 128) ?? ''));
